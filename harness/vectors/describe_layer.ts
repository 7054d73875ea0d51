import { InvalidInputError } from '../../src/errors.ts';
import { byteRange, elementCount, ofChannel, type GraphNode } from '../../src/graph/graph.ts';
import type { Definition, ForDefinitions } from '../../src/layers/definition.ts';
import { forDefinition, operatorOf } from '../../src/layers/infer.ts';
import type { Layer, LinearKind, Requantizing } from '../../src/layers/layer.ts';
import { operandsOf, type OpContext } from '../../src/layers/operator.ts';
import { onCodes } from '../../src/layers/pairs.ts';
import { tailRanges } from '../../src/layers/tail.ts';
import { addTable, proveAdd } from '../../src/requantize/add.ts';
import { findBoundaries } from '../../src/requantize/boundaries.ts';
import { floatOfKey } from '../../src/requantize/float_keys.ts';
import { areSaturatingNeighbours } from '../../src/engines/pairs.ts';
import { pairOffset } from '../../src/layers/linear/reference.ts';
import type {
  Accumulation as EngineAccumulation,
  LinearLayer,
  Pairs,
  Rounding,
  StepFunctions,
} from '../../src/engines/engine.ts';
import { bitsFor, fitted, whole, type VectorArray } from './array.ts';
import { biasedFunctions, biasedLinear, type BiasedFunctions } from './biased.ts';
import { BOUNDARIES, integerRequantization, type Line } from './line.ts';

/** Where the window of a convolution or of a max-pool lies. A fully connected layer is one of 1 by 1 pixels. */
export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [y: number, x: number];
  readonly dilations: readonly [y: number, x: number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  /** What positions outside of the input hold: the input's zero point; of a max-pool the smallest value of the type. */
  readonly paddingValue: number;
}

export interface Accumulation {
  readonly mode: 'exact' | 'saturating-pairs' | 'wrapping-pairs';
  /** Of pairs: what lies outside of the input, and whether sums are rounded to float32: see `definition`. */
  readonly outside?: Pairs['outside'];
  readonly rounds?: boolean;
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
  /**
   * Two's complement bits that hold every intermediate, with any input: (accumulator + bias) * multiplier, that plus the
   * offset, and that shifted, before the clamp.
   */
  readonly widths: { readonly product: number; readonly scaled: number; readonly shifted: number };
  /** For people: what was proved, and how. */
  readonly proof: string;
  /** Of an engine that computes in fixed point, for people: what it does with its own integers, which are in the arrays. */
  readonly fixedPoint?: string;
}

export interface AddLine {
  readonly multipliers: readonly [a: number, b: number];
  readonly offset: number;
  readonly shift: number;
  /** Of codes. */
  readonly clamp: readonly [least: number, most: number];
  /** Two's complement bits of the products, and of their sum with the offset. */
  readonly widths: { readonly products: readonly [a: number, b: number]; readonly sum: number };
}

export type LayerKind =
  'convolution' | 'pool' | 'max-pool' | 'add' | 'add-float' | 'quantize' | 'dequantize' | 'bytes' | 'softmax' | 'copy';

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
  readonly softmax?: SoftmaxMethod;
  readonly arrays: Readonly<Record<string, VectorArray>>;
}

/** How a softmax computes: see its formulas. */
type SoftmaxMethod = 'float32' | 'fixed point' | 'table';

type Details = Omit<LayerVectors, 'name' | 'node' | 'op' | 'inputs'>;

/** A node, what has to be computed for it, and the most bits of a requantization multiplier. */
interface Described {
  readonly node: GraphNode;
  readonly context: OpContext;
  readonly multiplierBits: number;
}

const CODE = 'a code is a value minus the smallest of its type';

const LAYERS: ForDefinitions<[Described], Details> = {
  linear,
  global_average_pool: pool,
  max_pool: maxPool,
  add,
  add_float32: addFloat,
  quantize,
  dequantize,
  bytes,
  softmax,
  reshape: () => ({ kind: 'copy', formulas: ['output = input, in another shape'], arrays: {} }),
};

/** @param multiplierBits the most bits of a requantization multiplier */
export function layerVectors(node: GraphNode, context: OpContext, multiplierBits: number): LayerVectors {
  const describe = forDefinition(LAYERS, node, context);
  if (!describe) throw new InvalidInputError(`no vectors are written for the operator ${node.op}`);
  const details = describe({ node, context, multiplierBits });
  return { name: node.outputs[0]!, node: node.name, op: node.op, inputs: operandsOf(node, context), ...details };
}

const NO_BIAS = 'the bias is not included';

/** What is summed, for people. */
function definitionOf(layer: LinearLayer, accumulation: EngineAccumulation): string {
  if (accumulation === 'exact') return `sum((x - input zero point) * (w - weight_zero_point)) in integers; ${NO_BIAS}`;
  const { overflow, outside, rounds } = accumulation;
  const offset = pairOffset(layer, overflow);
  const x = offset === 0 ? 'x' : `(x - ${offset})`;
  const order = areSaturatingNeighbours(layer, accumulation)
    ? 'in the order ky, kx, c of the window, two neighbours added'
    : 'in the order of `slots`, which has their numbers in the order ky, kx, c of the window (-1: none), two neighbours added';
  const narrowed =
    overflow === 'wraps' ? 'kept as int16, of which 32768 becomes -32768' : 'saturated to int16 (-32768 to 32767)';
  const zero = offset === 0 ? 'input zero point' : `(input zero point - ${offset})`;
  const taps =
    outside === 'nothing'
      ? 'taps outside of the input are in neither sum'
      : 'outside of the input x is the input zero point';
  const rounded = rounds ? '; both sums are rounded to float32, ties to even, before the subtraction' : '';
  return (
    `the products ${x}*w ${order} and ${narrowed}, an odd last one alone; their sum minus ${zero} * sum(w); ` +
    `${taps}${rounded}; ${NO_BIAS}`
  );
}

const LINE =
  'clamp(((accumulator + bias) * multiplier + offset) >> shift), the shift arithmetic (towards minus infinity)';

/** Never negative, and so without a sign bit. */
function multipliers(values: readonly number[]): VectorArray {
  const bits = bitsFor(0, Math.max(...values), false);
  return { type: 'int32', bits, signed: false, shape: [values.length], data: Int32Array.from(values) };
}

/** Bits of all that lies between two numbers. */
const bitsBetween = (...ends: readonly bigint[]): number =>
  Math.max(...ends.map((end) => (end < 0n ? -end - 1n : end).toString(2).length)) + 1;

/** How wide what a line computes can be, in all channels. */
function widthsOf({ range, bias }: BiasedFunctions, lines: readonly Line[]): Requantization['widths'] {
  const widths = lines.map(({ multiplier, offset, shift }, c) => {
    const products = [range.lo[c]!, range.hi[c]!].map((sum) => BigInt(sum + bias[c]!) * BigInt(multiplier));
    const scaled = products.map((product) => product + BigInt(offset));
    const shifted = scaled.map((value) => value >> BigInt(shift));
    return { product: bitsBetween(...products), scaled: bitsBetween(...scaled), shifted: bitsBetween(...shifted) };
  });
  const most = (key: keyof Requantization['widths']): number => Math.max(...widths.map((width) => width[key]));
  return { product: most('product'), scaled: most('scaled'), shifted: most('shifted') };
}

const ROUNDINGS: readonly Rounding[] = ['double', 'double-up', 'single'];

const FIXED_POINT =
  'clamp(rescale(accumulator + bias) + zero point), rescale with m = `quantized_multiplier` and n = `quantized_shift`, which ' +
  'is to the left where it is positive, by `rounding`. 0 (double): h = (x * 2^max(n, 0) * m + 2^30) >> 31, then h / 2^-n ' +
  'where n is negative, rounded half away from zero; 1 (double-up): the same, at last half up; 2 (single): (x * m + ' +
  '2^(30 - n)) >> (31 - n)';

/** The integers of an engine that computes in fixed point, one of each a channel. */
function fixedPointArrays({ channels, fixed }: StepFunctions): Record<string, VectorArray> {
  if (!fixed) return {};
  const all = Array.from({ length: channels }, (_, channel) => fixed(channel));
  const shape = [channels];
  return {
    quantized_multiplier: multipliers(all.map(({ multiplier }) => multiplier)),
    quantized_shift: fitted(
      'int32',
      Int32Array.from(all, ({ shift }) => shift),
      shape,
    ),
    rounding: fitted(
      'uint8',
      Uint8Array.from(all, ({ rounding }) => ROUNDINGS.indexOf(rounding)),
      shape,
    ),
  };
}

/** What requantizes accumulators: arrays of one element a channel, and what was proved of them. */
function requantization(biased: BiasedFunctions, multiplierBits: number) {
  const { functions, range, bias } = biased;
  const { channels } = functions;
  const { lines, boundaries, correction, evaluations } = integerRequantization(biased, multiplierBits);
  const shape = [channels];
  const exactChannels = lines.filter(({ exact }) => exact).length;
  const least = Math.min(...range.lo);
  const most = Math.max(...range.hi);
  const sums = [least, most, ...Array.from(bias, (b, c) => [range.lo[c]! + b, range.hi[c]! + b]).flat()];
  const slopes = Float32Array.from({ length: channels }, (_, c) => functions.slope(c));
  const offsets = BigInt64Array.from(lines, ({ offset }) => BigInt(offset));
  const bytes = (value: (line: Line) => number): VectorArray => fitted('uint8', Uint8Array.from(lines, value), shape);
  const arrays: Record<string, VectorArray> = {
    bias: fitted('int32', bias, shape),
    scale: whole('float32', slopes, shape),
    multiplier: multipliers(lines.map(({ multiplier }) => multiplier)),
    offset: fitted('int64', offsets, shape),
    shift: bytes(({ shift }) => shift),
    exact: bytes(({ exact }) => Number(exact)),
    accumulator_min: fitted('int32', Int32Array.from(range.lo), shape),
    accumulator_max: fitted('int32', Int32Array.from(range.hi), shape),
    ...(boundaries ? { boundaries: fitted('int32', boundaries, [channels, BOUNDARIES]) } : {}),
    ...fixedPointArrays(functions),
  };
  const formulas = [`output = ${LINE}${boundaries ? ', in channels whose `exact` is 1' : ''}`];
  if (boundaries)
    formulas.push(
      'in the other channels: output = smallest value of the type + the number of `boundaries` that are <= accumulator ' +
        '(the bias is in them)',
    );
  if (functions.fixed) formulas.push(`as the engine itself, in every channel: output = ${FIXED_POINT}`);
  if (correction === 'compare')
    formulas.push(
      `or, in every channel: g = ${LINE}; output = g + 1 where g is below the clamp's upper end and accumulator >= ` +
        'boundaries[g - smallest value of the type], else g',
    );
  return {
    formulas,
    arrays,
    sums: {
      least,
      most,
      bits: bitsFor(least, most, true),
      bitsWithBias: bitsFor(Math.min(...sums), Math.max(...sums), true),
    },
    requantization: {
      channels,
      exactChannels,
      correction,
      clamp: [functions.min, functions.max] as const,
      widths: widthsOf(biased, lines),
      ...(functions.fixed && { fixedPoint: FIXED_POINT }),
      proof:
        `${exactChannels} of ${channels} channels have an exact line: equal to the engine at every accumulator from ` +
        `accumulator_min to accumulator_max, which all inputs together can reach. Checked in integers at both ends of ` +
        `every run of equal outputs (${evaluations} evaluations); between them a line cannot leave the run, because it ` +
        `does not decrease.` +
        (correction === 'compare' ? ' The other lines were proved, likewise, to be right or one too low.' : ''),
    },
  };
}

function pairsOf(
  layer: LinearLayer,
  accumulation: EngineAccumulation,
): Pick<Details, 'arrays'> & Pick<Accumulation, 'mode'> {
  if (accumulation === 'exact') return { mode: 'exact', arrays: {} };
  const { slots, overflow } = accumulation;
  const arrays = areSaturatingNeighbours(layer, accumulation) ? {} : { slots: fitted('int32', slots, [slots.length]) };
  return { mode: overflow === 'wraps' ? 'wrapping-pairs' : 'saturating-pairs', arrays };
}

function linear({ linear: one }: Definition<'linear'>, { node, context, multiplierBits }: Described): Details {
  const computed = operatorOf(node).layer(node, context) as Requantizing<LinearKind>;
  const { layer, weights, strides, dilations } = one;
  const { outputChannels, groups, kernel, pads, input, bias } = layer;
  const channels = [outputChannels];
  const scales = Float32Array.from({ length: outputChannels }, (_, c) => ofChannel(layer.weightScale, c));
  const zeros = Int32Array.from({ length: outputChannels }, (_, c) => ofChannel(layer.weightZeroPoint, c));
  const stage = requantization(biasedLinear(computed, layer), multiplierBits);
  const { accumulation } = computed;
  const pairs = pairsOf(layer, accumulation);
  const definition = definitionOf(layer, accumulation);
  const type = one.weightSigned ? 'int8' : 'uint8';
  const shape = [outputChannels, layer.inputChannels / groups];
  const data = type === 'int8' ? Int8Array.from(weights) : Uint8Array.from(weights);
  return {
    kind: 'convolution',
    formulas: [`accumulator = ${definition}`, ...stage.formulas],
    window: { kernel, strides, dilations, pads, groups, paddingValue: input.zeroPoint },
    accumulation: {
      mode: pairs.mode,
      definition,
      ...(accumulation !== 'exact' && { outside: accumulation.outside, rounds: accumulation.rounds === true }),
      ...stage.sums,
    },
    requantization: stage.requantization,
    arrays: {
      weights: whole(type, data, layer.op === 'conv' ? [...shape, ...kernel] : shape),
      weight_zero_point: fitted('int32', zeros, channels),
      weight_scale: whole('float32', scales, channels),
      ...pairs.arrays,
      ...(bias instanceof Float32Array ? { bias_float: whole('float32', bias, channels) } : {}),
      ...stage.arrays,
    },
  };
}

function pool(
  { layer: { output, count } }: Definition<'global_average_pool'>,
  { node, context, multiplierBits }: Described,
): Details {
  const computed = operatorOf(node).layer(node, context) as Layer<'global_average_pool'>;
  const noBias = new Float64Array(computed.functions.channels);
  const stage = requantization(biasedFunctions(computed, output, noBias), multiplierBits);
  const definition = `sum(x - input zero point) over the ${count} pixels of a channel`;
  return {
    kind: 'pool',
    formulas: [`accumulator = ${definition}`, ...stage.formulas],
    accumulation: { mode: 'exact', definition, ...stage.sums },
    requantization: stage.requantization,
    arrays: stage.arrays,
  };
}

function maxPool({ window }: Definition<'max_pool'>, { node, context }: Described): Details {
  const { type, shape } = context.info(node.outputs[0]!);
  const { kernel, strides, dilations, pads } = window;
  // outside of the input lies what is never the largest
  const [paddingValue] = byteRange(type as 'uint8' | 'int8');
  return {
    kind: 'max-pool',
    formulas: ['output = the largest input of the window; positions outside of the input take no part'],
    window: { kernel, strides, dilations, pads, groups: shape[1]!, paddingValue },
    arrays: {},
  };
}

function add({ layer }: Definition<'add'>, { node, context }: Described): Details {
  const { a, b, output } = layer;
  const { body, tail, isTail } = context.engine.add(layer);
  const table = (f: typeof body): VectorArray =>
    whole('uint8', new Uint8Array(addTable(onCodes(layer, f)).buffer), [256, 256]);
  const proof = proveAdd(onCodes(layer, body), { a: a.scale / output.scale, b: b.scale / output.scale });
  const elements = elementCount(context.info(node.outputs[0]!).shape);
  const tails = tail && isTail ? tailRanges(isTail, elements) : [];
  const isLine = proof.form === 'add_line';
  const [multiplierA, multiplierB, offset, shift, least, most] = proof.parameters as unknown as LineParameters;
  const products = [multiplierA, multiplierB].map((m) => bitsBetween(0n, BigInt(255 * m))) as [number, number];
  const ends = [0, 255 * multiplierA].flatMap((p) => [0, 255 * multiplierB].map((q) => BigInt(p + q + offset)));
  const widths = { products, sum: bitsBetween(...ends) };
  const line = { multipliers: [multiplierA, multiplierB], offset, shift, clamp: [least, most], widths } as const;
  return {
    kind: 'add',
    formulas: [
      isLine
        ? 'output code = clamp((a code * multipliers[0] + b code * multipliers[1] + offset) >> shift), equal to the engine ' +
          `at all 65,536 pairs; ${CODE}`
        : `output code = table[a code][b code], all 65,536 pairs, as no line has them all; ${CODE}`,
      ...(tails.length > 0
        ? [
            'output code = tail_table[a code][b code] for elements in the `tails`: [first, end) in NHWC order, where the ' +
              'engine has another formula for the end of a memory block',
          ]
        : []),
    ],
    ...(isLine ? { line } : {}),
    arrays: {
      ...(isLine ? {} : { table: table(body) }),
      ...(tail && tails.length > 0
        ? { tail_table: table(tail), tails: fitted('int32', Int32Array.from(tails.flat()), [tails.length, 2]) }
        : {}),
    },
  };
}

type LineParameters = readonly [a: number, b: number, offset: number, shift: number, least: number, most: number];

function addFloat({ other }: Definition<'add_float32'>, { context }: Described): Details {
  const constant = context.constant(other);
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

/** Engines have another formula for elements at the end of a memory block: one table of all values says too little. */
function refuseTail({ name, op }: GraphNode): never {
  throw new InvalidInputError(`no vectors are written for '${name}' (${op}): the engine has two formulas for it`);
}

function quantize({ output }: Definition<'quantize'>, { node, context }: Described): Details {
  const { functions, range, tail } = operatorOf(node).layer(node, context) as Layer<'quantize'>;
  if (tail) refuseTail(node);
  const { first } = findBoundaries(functions, range, byteRange(output.type)[0]);
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

function dequantize(_: Definition<'dequantize'>, { node, context }: Described): Details {
  const { values, tail } = operatorOf(node).layer(node, context) as Layer<'table'>;
  if (tail) refuseTail(node);
  return {
    kind: 'dequantize',
    formulas: [`output = table[input code] (float32); ${CODE}`],
    arrays: { table: whole('float32', values, [256]) },
  };
}

/** Elements from `first` on, in NHWC order, may have a table of their own. */
function bytes(_: Definition<'bytes'>, { node, context }: Described): Details {
  const { values, tail } = operatorOf(node).layer(node, context) as Layer<'table'>;
  const type = values instanceof Int8Array ? 'int8' : 'uint8';
  const table = (of: typeof values): VectorArray => whole(type, of, [256]);
  const elements = elementCount(context.info(node.outputs[0]!).shape);
  return {
    kind: 'bytes',
    formulas: [
      `output = table[input code]; ${CODE}`,
      ...(tail
        ? [
            'output = tail_table[input code] for elements in the `tails`: [first, end) in NHWC order, which are computed otherwise',
          ]
        : []),
    ],
    arrays: {
      table: table(values),
      ...(tail && {
        tail_table: table(tail.values),
        tails: fitted('int32', Int32Array.of(tail.first, elements), [1, 2]),
      }),
    },
  };
}

const DISTANCE = 'd = the largest input of the pixel - input; sum = the sum of terms[d] over the channels of the pixel';
const MULH = 'mulh(a, b) = floor((a * b + 2^30) / 2^31)';

const SOFTMAX: Readonly<Record<SoftmaxMethod, readonly string[]>> = {
  float32: [
    `${DISTANCE}, in their order, in float32 with one rounding each`,
    'inverse = f32(1 / f32(sum * output scale)); output = clamp(floor(f32(f32(terms[d] * inverse) + 0.5)) + zero point)',
  ],
  'fixed point': [
    `${DISTANCE}, in int32`,
    `n = the leading zeros of sum, an int32 above 0; half = sum << (n - 1); x = 1515870810 + mulh(half, -1010580540); three times ` +
      `x = x + saturate(4 * mulh(x, 2^29 - mulh(half, x))); ${MULH}; saturate: to int32`,
    'output = clamp(mulh(exponentials[d], saturate(2 * x)) / 2^(35 - n), rounded half away from zero, + the smallest value of ' +
      'the type)',
  ],
  table: [
    `${DISTANCE}, in int32`,
    `m * 2^(n - 31), m from 2^30 to below 2^31, is f32(1 / f32(f32(sum) * output scale)); ${MULH}; output = ` +
      'clamp(floor(mulh(terms[d], m) / 2^-n + 0.5) + zero point)',
  ],
};

function softmax(_: Definition<'softmax'>, { node, context }: Described): Details {
  const { terms, exponentials } = (operatorOf(node).layer(node, context) as Layer<'softmax'>).functions;
  const method = terms instanceof Float32Array ? 'float32' : exponentials ? 'fixed point' : 'table';
  const shape = [terms.length];
  return {
    kind: 'softmax',
    softmax: method,
    formulas: SOFTMAX[method],
    arrays: {
      terms: terms instanceof Float32Array ? whole('float32', terms, shape) : fitted('int32', terms, shape),
      ...(exponentials && { exponentials: fitted('int32', exponentials, shape) }),
    },
  };
}
