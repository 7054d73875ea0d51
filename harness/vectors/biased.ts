import { FloatLines } from '../../src/engines/float_lines.ts';
import type { LinearLayer, StepFunctions, TensorQuantization } from '../../src/engines/engine.ts';
import { clamp, roundHalfEven } from '../../src/engines/rounding.ts';
import { byteRange, ofChannel } from '../../src/graph/graph.ts';
import type { Layer, LinearKind, Requantizing } from '../../src/layers/layer.ts';
import type { AccumulatorRange } from '../../src/requantize/boundaries.ts';

/** A layer's step functions, and the bias that its hardware adds to the accumulator before it multiplies. */
export interface BiasedFunctions {
  readonly functions: StepFunctions;
  readonly range: AccumulatorRange;
  /** The integer bias of each channel, and what it leaves out of the real one: real = bias + remainder. */
  readonly bias: Int32Array;
  readonly remainder: Float64Array;
  /** The smallest value of the output's type, and its zero point. */
  readonly min: number;
  readonly zeroPoint: number;
}

/**
 * What hardware adds to the accumulators of a layer: the nearest integers.
 *
 * @param realBias of each channel, in units of the accumulator
 */
export function biasedFunctions(
  { functions, range }: Pick<Requantizing<LinearKind> | Layer<'global_average_pool'>, 'functions' | 'range'>,
  output: TensorQuantization,
  realBias: Float64Array,
): BiasedFunctions {
  const bias = Int32Array.from(realBias, (real, c) =>
    clamp(roundHalfEven(real), -0x80000000 - range.lo[c]!, 0x7fffffff - range.hi[c]!),
  );
  const remainder = realBias.map((real, c) => real - bias[c]!);
  return { functions, range, bias, remainder, min: byteRange(output.type)[0], zeroPoint: output.zeroPoint };
}

/** The bias of each channel as the model has it, in units of the accumulator. */
export function modelBias({ bias, input, outputChannels, weightScale }: LinearLayer): Float64Array {
  return Float64Array.from({ length: outputChannels }, (_, c) => {
    if (!bias) return 0;
    return bias instanceof Int32Array ? bias[c]! : bias[c]! / (input.scale * ofChannel(weightScale, c));
  });
}

/** Those of a layer with weights. */
export function biasedLinear(
  computed: Pick<Requantizing<LinearKind>, 'functions' | 'range'>,
  layer: LinearLayer,
): BiasedFunctions {
  const { functions } = computed;
  // the engine's own integer; else the float bias: the step functions know how the engine really adds it
  const bias = modelBias(layer);
  const realBias = functions instanceof FloatLines ? bias.map((_, c) => functions.line(c).bias) : bias;
  return biasedFunctions(computed, layer.output, realBias);
}
