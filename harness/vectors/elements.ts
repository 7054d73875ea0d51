import { InvalidInputError } from '../../src/errors.ts';
import { byteRange, elementCount, type ElementData, type TensorInfo } from '../../src/graph/graph.ts';
import type { StepFunctions } from '../../src/engines/engine.ts';
import type { Definition } from '../../src/layers/definition.ts';
import { operatorOf } from '../../src/layers/infer.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { addTable, proveAdd } from '../../src/requantize/add.ts';
import { findBoundaries } from '../../src/requantize/boundaries.ts';
import { floatOfKey, keyOfFloat } from '../../src/requantize/float_keys.ts';
import { fitted, whole, type VectorArray } from './array.ts';
import type { AddLine, Described, Details, SoftmaxMethod } from './layer_vectors.ts';
import { BOUNDARIES } from './line.ts';
import { bitsBetween } from './requantization.ts';

export function maxPool({ window }: Definition<'max_pool'>, { node, context }: Described): Details {
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

export function addFloat({ other }: Definition<'add_float32'>, { context }: Described): Details {
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

const CODE = 'a code is a value minus the smallest of its type';

const inTails = (what: string): string =>
  `${what} for elements in the \`tails\`: [first, end) in NHWC order, where the engine has another formula for the end of a memory block`;

const rangesOf = (ranges: readonly (readonly [number, number])[]): { readonly tails: VectorArray } => ({
  tails: fitted('int32', Int32Array.from(ranges.flat()), [ranges.length, 2]),
});

/** From one element to the last. */
const tailsOf = ({ shape }: TensorInfo, first: number) => rangesOf([[first, elementCount(shape)]]);

const activationOf = ({ type, shape }: TensorInfo, data: ElementData): VectorArray =>
  whole(type as 'uint8', data, shape);

/** A function of two bytes. */
export function pair({ codes, constant, slope, tail, reads, op }: Layer<'pair'>, { node }: Described): Details {
  const [large] = reads as [TensorInfo, TensorInfo];
  if (constant?.name === large.name)
    throw new InvalidInputError(
      `no vectors are written for '${node.outputs[0]}' (${op}): its constant is the larger operand`,
    );
  const pairs = (f: typeof codes): VectorArray => whole('uint8', new Uint8Array(addTable(f).buffer), [256, 256]);
  const proof = slope && proveAdd(codes, slope);
  const line = proof?.form === 'add_line' ? lineOf(proof.parameters as unknown as LineParameters) : undefined;
  return {
    kind: slope ? 'add' : 'pair',
    formulas: [
      line
        ? 'output code = clamp((a code * multipliers[0] + b code * multipliers[1] + offset) >> shift), equal to the engine ' +
          `at all 65,536 pairs; ${CODE}`
        : `output code = table[a code][b code], all 65,536 pairs${slope ? ', as no line has them all' : ''}; ${CODE}`,
      `a is the first input, b ${constant ? 'the array `operand`' : 'the second'}; where a dimension of b is 1, it holds for all of a`,
      ...(tail ? [inTails('output code = tail_table[a code][b code]')] : []),
    ],
    ...(line ? { line } : {}),
    arrays: {
      ...(line ? {} : { table: pairs(codes) }),
      ...(constant ? { operand: activationOf(reads[1]!, constant.data) } : {}),
      ...(tail ? { tail_table: pairs(tail.codes), ...rangesOf(tail.ranges) } : {}),
    },
  };
}

type LineParameters = readonly [a: number, b: number, offset: number, shift: number, least: number, most: number];

function lineOf([a, b, offset, shift, least, most]: LineParameters): AddLine {
  const products = [a, b].map((m) => bitsBetween(0n, BigInt(255 * m))) as [number, number];
  const ends = [0, 255 * a].flatMap((p) => [0, 255 * b].map((q) => BigInt(p + q + offset)));
  return { multipliers: [a, b], offset, shift, clamp: [least, most], widths: { products, sum: bitsBetween(...ends) } };
}

/** A function of one byte, to another or to a float32. */
export function table({ values, tail, writes }: Layer<'table'>): Details {
  const isFloat = values instanceof Float32Array;
  const array = (of: typeof values): VectorArray => whole(writes.type as 'uint8' | 'int8' | 'float32', of, [256]);
  return {
    kind: isFloat ? 'dequantize' : 'bytes',
    formulas: [
      `output = table[input code]${isFloat ? ' (float32)' : ''}; ${CODE}`,
      ...(tail ? [inTails('output = tail_table[input code]')] : []),
    ],
    arrays: {
      table: array(values),
      ...(tail && { tail_table: array(tail.values), ...tailsOf(writes, tail.first) }),
    },
  };
}

export function concat({ axis, constants }: Layer<'concat'>, { node }: Described): Details {
  if (constants.length > 0)
    throw new InvalidInputError(
      `no vectors are written for '${node.outputs[0]}' (${node.op}): an operand is a constant`,
    );
  return {
    kind: 'concat',
    axis,
    formulas: ['output = the inputs, one behind the other along the dimension `axis` (NCHW)'],
    arrays: {},
  };
}

/** The same values in the same order. */
export const copy: Details = { kind: 'copy', formulas: ['output = input, in another shape'], arrays: {} };

export function move({ sources, fill, writes }: Layer<'move'>): Details {
  const from = sources();
  if (from.every((source, i) => source === i)) return copy;
  return {
    kind: 'move',
    fill,
    formulas: [
      'output element i = input element sources[i], both counted in NCHW order' +
        (from.includes(-1) ? `; where that is -1, ${fill}` : ''),
    ],
    arrays: { sources: fitted('int32', from, [elementCount(writes.shape)]) },
  };
}

/** Functions of float32 values as those of their keys. */
export function keyFunctions(
  { type }: TensorInfo,
  channels: number,
  functionOf: (channel: number) => (x: number) => number,
): StepFunctions {
  const [min, max] = byteRange(type as 'uint8' | 'int8');
  const at = (channel: number): ((key: number) => number) => {
    const f = functionOf(channel);
    return (key) => f(floatOfKey(key));
  };
  return { channels, min, max, at, slope: () => 2 ** -24 };
}

/** The 255 float32 values at which a function of keys changes: [255], or a row a channel. */
export function thresholdsOf(functions: StepFunctions): VectorArray {
  const { channels, min } = functions;
  const all = (end: number): Float64Array => new Float64Array(channels).fill(keyOfFloat(end));
  const { first } = findBoundaries(functions, { lo: all(-Infinity), hi: all(Infinity) }, min);
  // of each channel, what comes before the first code is left out
  const data = Float32Array.from({ length: channels * BOUNDARIES }, (_, i) =>
    floatOfKey(first[Math.floor(i / BOUNDARIES) * (BOUNDARIES + 1) + 1 + (i % BOUNDARIES)]!),
  );
  return whole('float32', data, channels === 1 ? [BOUNDARIES] : [channels, BOUNDARIES]);
}

export function quantize(_: Definition<'quantize'>, { node, context }: Described): Details {
  const { functions, tail } = operatorOf(node).layer(node, context) as Layer<'quantize'>;
  return {
    kind: 'quantize',
    formulas: [
      'output = smallest value of the type + the number of `thresholds` that are <= input (float32), proved for every ' +
        'float32 at both sides of each threshold',
      ...(tail ? [inTails('`tail_thresholds` in place of these')] : []),
    ],
    arrays: {
      thresholds: thresholdsOf(functions),
      ...(tail && {
        tail_thresholds: thresholdsOf(tail.values),
        ...tailsOf(context.info(node.outputs[0]!), tail.first),
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

export function softmax(_: Definition<'softmax'>, { node, context }: Described): Details {
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
