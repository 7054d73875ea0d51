import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { unzipSync } from 'fflate';
import { pairedSum } from './evaluate_layer.ts';
import type { LinearLayer, Engine, TensorQuantization } from '../../src/engines/engine.ts';

/** Recorded runs of the real engines, beside the checkout. */
export const shared = resolve('../shared');
export const sharedAvailable = existsSync(shared);

const ARRAYS = { '|u1': Uint8Array, '|i1': Int8Array, '<f4': Float32Array, '<f8': Float64Array };

export type RecordedArrays = ReadonlyMap<string, { readonly shape: number[]; readonly data: ArrayLike<number> }>;

/** The arrays of an .npz, by name and in C order; 8-bit and floating-point ones. */
export function readNpz(path: string): RecordedArrays {
  const files = unzipSync(readFileSync(resolve(shared, path)));
  return new Map(
    Object.entries(files).map(([name, bytes]) => {
      const start = 10 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
      const header = new TextDecoder().decode(bytes.subarray(10, start));
      const [, type] = /'descr': '(.*?)'/.exec(header)!;
      const [, dims] = /'shape': \((.*?)\)/.exec(header)!;
      const shape = dims!.split(',').filter(Boolean).map(Number);
      const stored = new ARRAYS[type as keyof typeof ARRAYS](bytes.slice(start).buffer);
      const data = header.includes("'fortran_order': True") ? fromFortranOrder(stored, shape) : stored;
      return [name.replace(/\.npy$/, ''), { shape, data }];
    }),
  );
}

function fromFortranOrder<T extends InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]>>(stored: T, shape: number[]): T {
  const data = stored.slice() as T;
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = shape.slice(0, axis).reduce((product, d) => product * d, 1);
      from += (rest % shape[axis]!) * stride;
      rest = Math.floor(rest / shape[axis]!);
    }
    data[i] = stored[from]!;
  }
  return data;
}

/** A recorded operator case: `<index>:<name>` arrays by their name. */
export function recordedCases(arrays: RecordedArrays): Map<string, ArrayLike<number> & { shape?: number[] }>[] {
  const cases: Map<string, ArrayLike<number> & { shape?: number[] }>[] = [];
  for (const [key, { shape, data }] of arrays) {
    const [index, name] = key.split(':') as [string, string];
    (cases[Number(index)] ??= new Map()).set(name, Object.assign(data, { shape }));
  }
  return cases;
}

export const quint8 = (scale: number, zeroPoint: number): TensorQuantization => ({ type: 'uint8', scale, zeroPoint });

export interface Convolution {
  /** NCHW. */
  readonly x: ArrayLike<number>;
  readonly xShape: readonly number[];
  /** OIHW. */
  readonly w: ArrayLike<number>;
  readonly wShape: readonly number[];
  readonly stride: number;
  readonly layer: LinearLayer;
}

/** The outputs (NCHW) of a convolution under an engine, one product after the other. Dilation 1, weight zero points 0. */
export function convolve(engine: Engine, { x, xShape, w, wShape, stride, layer }: Convolution): Uint8Array {
  const [n, c, h, width] = xShape as [number, number, number, number];
  const [o, ci, kh, kw] = wShape as [number, number, number, number];
  const [top, left, bottom, right] = layer.pads;
  const oh = Math.floor((h + top + bottom - kh) / stride) + 1;
  const ow = Math.floor((width + left + right - kw) / stride) + 1;
  const zx = layer.input.zeroPoint;
  const functions = engine.linear(layer);
  const accumulation = engine.accumulation(layer);
  const y = new Uint8Array(n * o * oh * ow);
  const values: (number | undefined)[] = [];
  const weights: number[] = [];
  let next = 0;
  for (let image = 0; image < n; image++)
    for (let channel = 0; channel < o; channel++) {
      const f = functions.at(channel);
      const firstInput = Math.floor(channel / (o / layer.groups)) * ci;
      for (let row = 0; row < oh; row++)
        for (let column = 0; column < ow; column++) {
          values.length = weights.length = 0;
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++)
              for (let k = 0; k < ci; k++) {
                const yy = row * stride + i - top;
                const xx = column * stride + j - left;
                const inside = yy >= 0 && yy < h && xx >= 0 && xx < width;
                values.push(inside ? x[((image * c + firstInput + k) * h + yy) * width + xx]! : undefined);
                weights.push(w[((channel * ci + k) * kh + i) * kw + j]!);
              }
          const exact = () => values.reduce<number>((all, v, k) => all + ((v ?? zx) - zx) * weights[k]!, 0);
          y[next++] = f(accumulation === 'exact' ? exact() : pairedSum(accumulation, values, weights, layer.input));
        }
    }
  return y;
}

export function mismatches(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let count = 0;
  for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) count++;
  return count;
}
