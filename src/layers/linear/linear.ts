import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { byteRange, isByteType, type GraphNode, type TensorInfo } from '../../graph/graph.ts';
import type { AccumulatorRange } from '../../requantize/boundaries.ts';
import type { LinearLayer, StepFunctions, SumsLayer } from '../../engines/engine.ts';
import type { Definition } from '../definition.ts';
import type { Layer, Linear, LinearKind } from '../layer.ts';
import { askEngine, clampOf, label, placeOf, refuse, tensorQuantization, type OpContext } from '../operator.ts';
import { extent } from '../layout.ts';
import { kindOf } from './geometry.ts';
import { effectiveSums, type EffectiveSums } from './overflow.ts';
import { sumsOf, weightZero, weightsPerChannel } from './weights.ts';

/** Checks operands that convolutions and fully connected layers share, and gathers them. */
export function linearLayer(
  node: GraphNode,
  context: OpContext,
  shape: Pick<LinearLayer, 'op' | 'groups' | 'kernel' | 'pads' | 'inputChannels' | 'outputChannels'>,
): SumsLayer | LinearLayer {
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  const output = context.info(node.outputs[0]!);
  const weight = weightsOf(node, context);
  const { scale, zeroPoint } = weight.quantization;
  if (scale.length !== 1 && scale.length !== shape.outputChannels)
    throw new InvalidModelError(
      `${label(node)}: ${scale.length} weight scales for ${shape.outputChannels} output channels`,
    );
  const sums: SumsLayer = {
    ...shape,
    input,
    weightScale: scale,
    perChannel: weight.quantization.axis !== undefined,
    weightType: weight.type,
    weightZeroPoint: zeroPoint,
    ...(node.attributes['depthwise'] === 1 && { depthwise: true }),
    ...(node.attributes['transposed'] === 1 && { transposed: true }),
    pixels: pixelsOf(output),
  };
  if (output.type === 'int32') return sums;
  const biasName = node.inputs[2];
  const bias = biasName ? context.constant(biasName) : undefined;
  if (biasName && !bias) refuse(node, `bias '${biasName}' is computed`, 'constant biases');
  if (bias && !(bias.data instanceof Int32Array || bias.data instanceof Float32Array))
    refuse(node, `bias '${bias.name}' is ${bias.type}`, 'int32, float32');
  if (bias && bias.data.length !== shape.outputChannels)
    throw new InvalidModelError(
      `${label(node)}: ${bias.data.length} bias values for ${shape.outputChannels} output channels`,
    );
  return {
    ...sums,
    output: tensorQuantization(node, output),
    ...(bias ? { bias: bias.data as Int32Array | Float32Array } : {}),
    relu: node.attributes['relu'] === 1,
    ...clampOf(node),
  };
}

/** Do its sums become bytes? */
export const hasBytes = (layer: SumsLayer): layer is LinearLayer => 'output' in layer;

/** Its definition, where its sums become bytes. */
export function defineLinear({ layer, ...rest }: Linear): Definition<'linear'> | undefined {
  return hasBytes(layer) ? { kind: 'linear', linear: { ...rest, layer } } : undefined;
}

function pixelsOf(output: TensorInfo): number {
  const { batch, height, width } = extent(output);
  return batch * height * width;
}

export function weightsOf(node: GraphNode, context: OpContext) {
  const name = node.inputs[1] ?? '';
  const weight = context.constant(name);
  if (!weight) return refuse(node, `weights '${name}' are computed`, 'constant weights');
  if (!isByteType(weight.type)) return refuse(node, `weights '${name}' are ${weight.type}`, 'uint8, int8');
  if (!weight.quantization)
    throw new InvalidModelError(`${label(node)}: nothing says how weights '${name}' are quantized`);
  return { ...weight, type: weight.type, quantization: weight.quantization };
}

/**
 * Proofs rely on functions that do not decrease, which an engine's integers do where they overflow.
 *
 * @throws UnsupportedModelError where a channel can reach an overflow of the engine's own
 */
export function expectNoOverflow(node: GraphNode, functions: StepFunctions, { lo, hi }: AccumulatorRange): void {
  for (const [channel, least] of lo.entries()) {
    const [first, last] = functions.rises?.(channel) ?? [-Infinity, Infinity];
    if (least < first || hi[channel]! > last)
      refuse(
        node,
        `the accumulator of channel ${channel} can reach ${least} to ${hi[channel]}, where the engine's own integers overflow`,
        `from ${first} to ${last}, with this bias and these scales`,
      );
  }
}

/**
 * The accumulators a channel can reach: for each weight the smallest and the largest product, and what overflow adds.
 * Padding adds nothing, and zx is among the inputs, so it is covered.
 *
 * @throws UnsupportedModelError where accumulator and bias leave int32
 */
export function reachable(node: GraphNode, linear: Linear, { beyond }: EffectiveSums): AccumulatorRange {
  const { layer, weights } = linear;
  const [min, max] = byteRange(layer.input.type);
  const least = min - layer.input.zeroPoint;
  const most = max - layer.input.zeroPoint;
  const count = weightsPerChannel(linear);
  const lo = new Float64Array(layer.outputChannels);
  const hi = new Float64Array(layer.outputChannels);
  for (let o = 0; o < layer.outputChannels; o++) {
    const { sum, absolute } = sumsOf(weights, weightZero(layer, o), o * count, (o + 1) * count);
    // of the weights above zero, and of those below
    const [above, below] = [(absolute + sum) / 2, (sum - absolute) / 2];
    // least <= 0 <= most
    const [under, over] = beyond(o);
    const low = least * above + most * below - under;
    const high = most * above + least * below + over;
    lo[o] = low;
    hi[o] = high;
    const bias = hasBytes(layer) && layer.bias instanceof Int32Array ? layer.bias[o]! : 0;
    // one below the largest int32, which the boundary tables use for "never"
    for (const extra of [0, bias])
      if (low + extra < -0x80000000 || high + extra > 0x7ffffffe)
        throw new UnsupportedModelError(
          `${label(node)}: the accumulator of channel ${o} can reach ${low + extra} to ${high + extra}, which leaves int32` +
            '; supported: sums in int32, whose bias is in units of the products of both scales',
        );
  }
  return { lo, hi };
}

/** What has to be summed, and what becomes of the sums. */
export function linearSums(node: GraphNode, context: OpContext, linear: Linear): Layer<LinearKind> {
  const sums = effectiveSums(node, context, linear);
  const range = reachable(node, linear, sums);
  const { layer } = linear;
  const functions = hasBytes(layer) ? askEngine(node, () => context.engine.linear(layer)) : undefined;
  if (functions) expectNoOverflow(node, functions, range);
  return {
    kind: kindOf(linear),
    ...placeOf(node, context),
    ...linear,
    ...(functions && { functions }),
    range,
    accumulation: sums.accumulation,
    overflowingChannels: sums.overflowingChannels,
  };
}
