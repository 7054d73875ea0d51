import { InvalidInputError } from '../../src/errors.ts';
import {
  byteRange,
  isByteType,
  newElementData,
  type ElementData,
  type ElementType,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import type { NpyArray } from '../numpy/npy.ts';

type Values = NpyArray['data'];

/** A way to take the values of an array. */
export interface ValueReading {
  /** In the tensor's type; but as int32 where values are codes that were not clamped. */
  readonly data: ElementData;
  /** What was done to the values, for people; nothing where they were taken as they are. */
  readonly done?: string;
}

interface Scale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The same values in a tensor's type; undefined where some value is not one of the type's. */
export function convert(data: Values, type: ElementType): ElementData | undefined {
  const target = newElementData(type, data.length);
  if (data.constructor === target.constructor) return data as ElementData;
  const [least, most] = isByteType(type) ? byteRange(type) : [-Infinity, Infinity];
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (isByteType(type) && !(Number.isInteger(value) && value >= least && value <= most)) return undefined;
    if (type === 'float32' && Math.fround(value) !== value && !Number.isNaN(value)) return undefined;
    (target as Float32Array)[i] = value;
  }
  return target;
}

/** What dequantized float32 values of codes may be away from these. */
const NEAR = 0.01;
/** Differences between int8 and uint8 as people shift them. */
const SHIFT = 128;

const count = (n: number): string => n.toLocaleString('en-US');

/**
 * Every way to take an array for a tensor of 8 bits that has values which are not its codes, the likeliest first.
 *
 * @param scales the quantizations that its values may have been dequantized with
 * @throws InvalidInputError where there is none: says what the values look like
 */
export function readingsOf(values: Values, info: TensorInfo, scales: readonly Scale[], where: string): ValueReading[] {
  const { type } = info;
  const direct = convert(values, type);
  if (!isByteType(type)) return direct ? [{ data: direct }] : [inFloat32(values, where)];
  const numbers = Float64Array.from(values as Float64Array, Number);
  expectNumbers(numbers, info, where);
  const isShifted = values instanceof (type === 'uint8' ? Int8Array : Uint8Array);
  const asIs: ValueReading[] = direct ? [{ data: direct }] : [];
  if (numbers.every(Number.isInteger)) return [...asIs, ...ofIntegers(numbers, type, direct !== undefined, isShifted)];
  for (const { scale, zeroPoint } of scales) {
    const codes = numbers.map((v) => v / scale + zeroPoint);
    if (!codes.every((code) => Math.abs(code - Math.round(code)) <= NEAR)) continue;
    const done = `dequantized values: divided by the scale ${Number(scale.toPrecision(6))}, plus ${zeroPoint}`;
    const rounded = codes.map(Math.round);
    const data = convert(rounded, type);
    if (data) return [{ data, done }];
    return ofIntegers(rounded, type, false, false).map((other) => ({ ...other, done: `${done}; ${other.done}` }));
  }
  const fractions = numbers.filter((v) => !Number.isInteger(v));
  throw new InvalidInputError(
    `${where} has ${count(fractions.length)} of ${count(numbers.length)} values that are no integers, as ${fractions[0]}` +
      `${scales.length > 0 ? `, nor multiples of the scale ${scales.map(({ scale }) => Number(scale.toPrecision(6))).join(' or ')}` : ''}: ` +
      `they are not rounded, or dequantized with another scale. Give codes (${type}), or say '<name>:qparams' = [scale, zero point]`,
  );
}

function inFloat32(values: Values, where: string): ValueReading {
  const data = Float32Array.from(values as Float64Array, Number);
  return { data, done: `${where.replace(/^.*'(.*)'$/, '$1')} is rounded to float32` };
}

function expectNumbers(numbers: Float64Array, { type }: TensorInfo, where: string): void {
  const wrong = numbers.filter((v) => !Number.isFinite(v));
  if (wrong.length === 0) return;
  const first = numbers.findIndex((v) => !Number.isFinite(v));
  throw new InvalidInputError(
    `${where} has ${count(wrong.length)} of ${count(numbers.length)} values that are no numbers (${wrong[0]}, the first at ` +
      `element ${first}): ${type} codes are needed`,
  );
}

/** Integers that are no codes, or codes of another sign. */
function ofIntegers(
  numbers: Float64Array,
  type: 'uint8' | 'int8',
  isCode: boolean,
  isShifted: boolean,
): ValueReading[] {
  if (isCode && !isShifted) return [];
  const [least, most] = byteRange(type);
  let [low, high, outside] = [Infinity, -Infinity, 0];
  for (const v of numbers) {
    low = Math.min(low, v);
    high = Math.max(high, v);
    if (v < least || v > most) outside++;
  }
  const readings: ValueReading[] = [];
  const add = (done: string, map: (v: number) => number): void => {
    const data = convert(numbers.map(map), type);
    if (data) readings.push({ data, done });
  };
  const shift = type === 'uint8' ? SHIFT : -SHIFT;
  const sign = shift > 0 ? '+' : '-';
  const other = type === 'uint8' ? 'int8' : 'uint8';
  add(`${other} values from ${low} to ${high}: ${sign} ${SHIFT}`, (v) => v + shift);
  if (low >= -SHIFT && high < 2 * SHIFT)
    add(`${other} values from ${low} to ${high}: their bits as ${type}`, (v) => ((v - least) & 0xff) + least);
  if (outside > 0 && low >= -0x80000000 && high <= 0x7fffffff)
    readings.push({
      data: Int32Array.from(numbers),
      done: `${count(outside)} of ${count(numbers.length)} values are no ${type}, from ${low} to ${high}: not clamped, so clamped at the end`,
    });
  return readings;
}
