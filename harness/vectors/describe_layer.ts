import { InvalidInputError } from '../../src/errors.ts';
import { byteRange, elementCount, type GraphNode } from '../../src/graph/graph.ts';
import { floatOperands, layerOf as addLayerOf, tailRanges } from '../../src/layers/add.ts';
import { linearOf } from '../../src/layers/infer.ts';
import { floatOfKey, keyOfFloat } from '../../src/requantize/float_keys.ts';
import { layerOf as poolLayerOf } from '../../src/layers/global_average_pool.ts';
import { expectNoOverflow, reachable } from '../../src/layers/linear/linear.ts';
import { effectiveSums } from '../../src/layers/linear/overflow.ts';
import { refuse, tensorQuantization, type OpContext } from '../../src/layers/operator.ts';
import { stepFunctions } from '../../src/layers/quantize_linear.ts';
import { addTable, proveAdd } from '../../src/requantize/add.ts';
import { findBoundaries, type AccumulatorRange } from '../../src/requantize/boundaries.ts';
import { FloatLines } from '../../src/engines/float_lines.ts';
import { roundHalfEven } from '../../src/engines/rounding.ts';
import { areSaturatingNeighbours } from '../../src/engines/pairs.ts';
import type { LinearLayer, StepFunctions, TensorQuantization } from '../../src/engines/engine.ts';
import { bitsFor, fitted, whole, type VectorArray } from './array.ts';
import { BOUNDARIES, integerRequantization } from './line.ts';

/** Where the window of a convolution lies. A fully connected layer is one of 1 by 1 pixels. */
export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [y: number, x: number];
  readonly dilations: readonly [y: number, x: number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  /** What positions outside of the input hold: the input's zero point. */
  readonly paddingValue: number;
}

export interface Accumulation {
  readonly mode: 'exact' | 'saturating-pairs';
  /** For people: what is summed, and how it overflows. */
  readonly definition: string;
  /** Of all channels: every input, every partial sum, in any order. */
  readonly least: number;
  readonly most: number;
  /** Two's complement bits of the accumulator, and of a register that holds it before and after the bias is added. */
  readonly bits: number;
  readonly bitsWithBias: number;
}

export interface Requantization {
  /** 1 where all output channels have the same. */
  readonly channels: number;
  readonly exactChannels: number;
  readonly correction: 'none' | 'compare' | 'search';
  readonly clamp: readonly [least: number, most: number];
  /** For people: what was proved, and how. */
  readonly proof: string;
}

export interface AddLine {
  readonly multipliers: readonly [a: number, b: number];
  readonly offset: number;
  readonly shift: number;
  /** Of codes. */
  readonly clamp: readonly [least: number, most: number];
}

export type LayerKind = 'convolution' | 'pool' | 'add' | 'add-float' | 'quantize' | 'dequantize' | 'copy';

/** One layer as an implementer needs it: everything but the values of its activations. */
export interface LayerVectors {
  /** The tensor that it computes. */
  readonly name: string;
  readonly node: string;
  readonly op: string;
  readonly kind: LayerKind;
  readonly inputs: readonly string[];
  /** For people, in integers unless they say float32. */
  readonly formulas: readonly string[];
  readonly window?: Window;
  readonly accumulation?: Accumulation;
  readonly requantization?: Requantization;
  readonly line?: AddLine;
  readonly arrays: Readonly<Record<string, VectorArray>>;
}

type Details = Omit<LayerVectors, 'name' | 'node' | 'op' | 'inputs'>;

const CODE = 'a code is a value minus the smallest of its type';

/** @param multiplierBits the most bits of a requantization multiplier */
export function layerVectors(node: GraphNode, context: OpContext, multiplierBits: number): LayerVectors {
  const inputs = node.inputs.filter((name) => name !== '' && !context.constant(name));
  return { name: node.outputs[0]!, node: node.name, op: node.op, inputs, ...details(node, context, multiplierBits) };
}

function details(node: GraphNode, context: OpContext, multiplierBits: number): Details {
  switch (node.op) {
    case 'Conv':
    case 'Gemm':
    case 'MatMul':
      return linear(node, context, multiplierBits);
    case 'GlobalAveragePool':
      return pool(node, context, multiplierBits);
    case 'Add':
      return context.info(node.outputs[0]!).type === 'float32' ? addFloat(node, context) : add(node, context);
    case 'QuantizeLinear':
      return quantize(node, context);
    case 'DequantizeLinear':
      return dequantize(node, context);
    case 'Reshape':
    case 'Flatten':
    case 'Identity':
      return { kind: 'copy', formulas: ['output = input, in another shape'], arrays: {} };
    default:
      throw new InvalidInputError(`no vectors are written for the operator ${node.op}`);
  }
}

const DEFINITIONS = {
  exact: 'sum((x - input zero point) * (w - weight_zero_point)) in integers; the bias is not included',
  'saturating-pairs':
    'the raw products x*w in the order ky, kx, c of the window, two neighbours added and saturated to int16 ' +
    '(-32768 to 32767), an odd last one alone; their sum minus input zero point * sum(w); outside of the input x is the ' +
    'input zero point; the bias is not included',
};

const LINE =
  'clamp(((accumulator + bias) * multiplier + offset) >> shift), the shift arithmetic (towards minus infinity)';

/** Never negative, and so without a sign bit. */
function multipliers(values: readonly number[]): VectorArray {
  const bits = bitsFor(0, Math.max(...values), false);
  return { type: 'int32', bits, signed: false, shape: [values.length], data: Int32Array.from(values) };
}

/** What requantizes accumulators: arrays of one element a channel, and what was proved of them. */
function requantization(
  functions: StepFunctions,
  range: AccumulatorRange,
  output: TensorQuantization,
  realBias: Float64Array,
  multiplierBits: number,
) {
  const { channels } = functions;
  const bias = Int32Array.from(realBias, (real, c) =>
    Math.min(Math.max(roundHalfEven(real), -0x80000000 - range.lo[c]!), 0x7fffffff - range.hi[c]!),
  );
  const { lines, boundaries, correction, evaluations } = integerRequantization(
    {
      functions,
      range,
      bias,
      remainder: realBias.map((real, c) => real - bias[c]!),
      min: byteRange(output.type)[0],
      zeroPoint: output.zeroPoint,
    },
    multiplierBits,
  );
  const shape = [channels];
  const exactChannels = lines.filter(({ exact }) => exact).length;
  const least = Math.min(...range.lo);
  const most = Math.max(...range.hi);
  const sums = [least, most, ...Array.from(bias, (b, c) => [range.lo[c]! + b, range.hi[c]! + b]).flat()];
  const arrays: Record<string, VectorArray> = {
    bias: fitted('int32', bias, shape),
    scale: whole(
      'float32',
      Float32Array.from({ length: channels }, (_, c) => functions.slope(c)),
      shape,
    ),
    multiplier: multipliers(lines.map(({ multiplier }) => multiplier)),
    offset: fitted(
      'int64',
      BigInt64Array.from(lines, (line) => BigInt(line.offset)),
      shape,
    ),
    shift: fitted(
      'uint8',
      Uint8Array.from(lines, (line) => line.shift),
      shape,
    ),
    exact: fitted(
      'uint8',
      Uint8Array.from(lines, (line) => Number(line.exact)),
      shape,
    ),
    accumulator_min: fitted('int32', Int32Array.from(range.lo), shape),
    accumulator_max: fitted('int32', Int32Array.from(range.hi), shape),
    ...(boundaries ? { boundaries: fitted('int32', boundaries, [channels, BOUNDARIES]) } : {}),
  };
  const formulas = [`output = ${LINE}${boundaries ? ', in channels whose `exact` is 1' : ''}`];
  if (boundaries)
    formulas.push(
      'in the other channels: output = smallest value of the type + the number of `boundaries` that are <= accumulator ' +
        '(the bias is in them)',
    );
  if (correction === 'compare')
    formulas.push(
      `or, in every channel: g = ${LINE}; output = g + 1 where g is below the clamp's upper end and accumulator >= ` +
        'boundaries[g - smallest value of the type], else g',
    );
  return {
    formulas,
    arrays,
    bits: bitsFor(least, most, true),
    bitsWithBias: bitsFor(Math.min(...sums), Math.max(...sums), true),
    least,
    most,
    requantization: {
      channels,
      exactChannels,
      correction,
      clamp: [functions.min, functions.max] as const,
      proof:
        `${exactChannels} of ${channels} channels have an exact line: equal to the engine at every accumulator from ` +
        `accumulator_min to accumulator_max, which all inputs together can reach. Checked in integers at both ends of ` +
        `every run of equal outputs (${evaluations} evaluations); between them a line cannot leave the run, because it ` +
        `does not decrease.` +
        (correction === 'compare' ? ' The other lines were proved, likewise, to be right or one too low.' : ''),
    },
  };
}

function linear(node: GraphNode, context: OpContext, multiplierBits: number): Details {
  const one = linearOf(node, context)!;
  const { layer, weights, strides, dilations } = one;
  const { outputChannels, groups, kernel, pads, input } = layer;
  const perChannel = (values: ArrayLike<number>): number[] =>
    Array.from({ length: outputChannels }, (_, c) => values[values.length === 1 ? 0 : c]!);
  const scales = Float32Array.from(perChannel(layer.weightScale));
  const zeros = Int32Array.from(perChannel(layer.weightZeroPoint));
  const { bias } = layer;
  const functions = context.engine.linear(layer);
  const range = reachable(node, one, effectiveSums(node, context, one));
  expectNoOverflow(node, functions, range);
  // the engine's own integer; else what the float bias is in units of the accumulator: the step functions know how the
  // engine really adds it
  const realBias = Float64Array.from({ length: outputChannels }, (_, c) => {
    if (functions instanceof FloatLines) return functions.line(c).bias;
    return !bias ? 0 : bias instanceof Int32Array ? bias[c]! : bias[c]! / (input.scale * scales[c]!);
  });
  const stage = requantization(functions, range, layer.output, realBias, multiplierBits);
  const mode = modeOf(node, context, layer);
  const type = one.weightSigned ? 'int8' : 'uint8';
  const shape = [outputChannels, layer.inputChannels / groups];
  const data = type === 'int8' ? Int8Array.from(weights) : Uint8Array.from(weights);
  return {
    kind: 'convolution',
    formulas: [`accumulator = ${DEFINITIONS[mode]}`, ...stage.formulas],
    window: { kernel, strides, dilations, pads, groups, paddingValue: input.zeroPoint },
    accumulation: { mode, definition: DEFINITIONS[mode], ...bounds(stage) },
    requantization: stage.requantization,
    arrays: {
      weights: whole(type, data, node.op === 'Conv' ? [...shape, ...kernel] : shape),
      weight_zero_point: fitted('int32', zeros, [outputChannels]),
      weight_scale: whole('float32', scales, [outputChannels]),
      ...(bias instanceof Float32Array ? { bias_float: whole('float32', bias, [outputChannels]) } : {}),
      ...stage.arrays,
    },
  };
}

function modeOf(node: GraphNode, { engine }: OpContext, layer: LinearLayer): Accumulation['mode'] {
  const accumulation = engine.accumulation(layer);
  if (accumulation === 'exact') return 'exact';
  if (areSaturatingNeighbours(layer, accumulation)) return 'saturating-pairs';
  return refuse(
    node,
    `engine '${engine.name}' pairs its products in an order of its own`,
    Object.keys(DEFINITIONS).join(', '),
  );
}

function bounds({ least, most, bits, bitsWithBias }: Omit<Accumulation, 'mode' | 'definition'>) {
  return { least, most, bits, bitsWithBias };
}

function pool(node: GraphNode, context: OpContext, multiplierBits: number): Details {
  const { input, output, count } = poolLayerOf(node, context);
  const [min, max] = byteRange(input.type);
  const range = {
    lo: Float64Array.of(count * (min - input.zeroPoint)),
    hi: Float64Array.of(count * (max - input.zeroPoint)),
  };
  const functions = context.engine.globalAveragePool({ input, output, count });
  const stage = requantization(functions, range, output, new Float64Array(1), multiplierBits);
  const definition = `sum(x - input zero point) over the ${count} pixels of a channel`;
  return {
    kind: 'pool',
    formulas: [`accumulator = ${definition}`, ...stage.formulas],
    accumulation: { mode: 'exact', definition, ...bounds(stage) },
    requantization: stage.requantization,
    arrays: stage.arrays,
  };
}

function add(node: GraphNode, context: OpContext): Details {
  const layer = addLayerOf(node, context);
  const { a, b, output } = layer;
  const [minA, minB, minY] = [a, b, output].map(({ type }) => byteRange(type)[0]) as [number, number, number];
  const { body, tail, isTail } = context.engine.add(layer);
  const onCodes = (f: typeof body) => (x: number, y: number) => f(x + minA, y + minB) - minY;
  const table = (f: typeof body): VectorArray =>
    whole('uint8', new Uint8Array(addTable(onCodes(f)).buffer), [256, 256]);
  const proof = proveAdd(onCodes(body), { a: a.scale / output.scale, b: b.scale / output.scale });
  const elements = elementCount(context.info(node.outputs[0]!).shape);
  const tails = tail && isTail ? tailRanges(isTail, elements) : [];
  const isLine = proof.form === 'add_line';
  const [multiplierA, multiplierB, offset, shift, least, most] = proof.parameters as unknown as number[];
  const formulas = [
    isLine
      ? 'output code = clamp((a code * multipliers[0] + b code * multipliers[1] + offset) >> shift), equal to the engine ' +
        `at all 65,536 pairs; ${CODE}`
      : `output code = table[a code][b code], all 65,536 pairs, as no line has them all; ${CODE}`,
  ];
  if (tails.length > 0)
    formulas.push(
      'output code = tail_table[a code][b code] for elements in the `tails`: [first, end) in NHWC order, where the ' +
        'engine has another formula for the end of a memory block',
    );
  return {
    kind: 'add',
    formulas,
    ...(isLine
      ? {
          line: {
            multipliers: [multiplierA!, multiplierB!] as const,
            offset: offset!,
            shift: shift!,
            clamp: [least!, most!] as const,
          },
        }
      : {}),
    arrays: {
      ...(isLine ? {} : { table: table(body) }),
      ...(tail && tails.length > 0
        ? { tail_table: table(tail), tails: fitted('int32', Int32Array.from(tails.flat()), [tails.length, 2]) }
        : {}),
    },
  };
}

function addFloat(node: GraphNode, context: OpContext): Details {
  const constant = context.constant(floatOperands(node, context).other);
  return {
    kind: 'add-float',
    formulas: [
      constant
        ? 'output = input + operand, one float32 addition; the operand has one value a channel, or one an element'
        : 'output = a + b, one float32 addition',
    ],
    arrays: constant ? { operand: whole('float32', constant.data, [constant.data.length]) } : {},
  };
}

function quantize(node: GraphNode, context: OpContext): Details {
  const output = tensorQuantization(node, context.info(node.outputs[0]!));
  const [min] = byteRange(output.type);
  const range = { lo: Float64Array.of(keyOfFloat(-Infinity)), hi: Float64Array.of(keyOfFloat(Infinity)) };
  const { first } = findBoundaries(stepFunctions(output, context.engine.quantize(output)), range, min);
  const thresholds = Float32Array.from(first.subarray(1), floatOfKey);
  return {
    kind: 'quantize',
    formulas: [
      'output = smallest value of the type + the number of `thresholds` that are <= input (float32), proved for every ' +
        'float32 at both sides of each threshold',
    ],
    arrays: { thresholds: whole('float32', thresholds, [BOUNDARIES]) },
  };
}

function dequantize(node: GraphNode, context: OpContext): Details {
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  const f = context.engine.dequantize(input);
  const [min] = byteRange(input.type);
  const table = Float32Array.from({ length: 256 }, (_, code) => f(code + min));
  return {
    kind: 'dequantize',
    formulas: [`output = table[input code] (float32); ${CODE}`],
    arrays: { table: whole('float32', table, [256]) },
  };
}
