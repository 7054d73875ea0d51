import { UnsupportedModelError } from '../errors.ts';
import { twoRoundings } from './float32.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import type { MultiplyAdd, Neighbours, ResizeFunctions, ResizeLayer } from './engine.ts';

/** Of one place of the output: its neighbours' numbers and weights. */
type Place = readonly [first: number, second: number, ofFirst: number, ofSecond: number];

/** An axis of so many places, of `size` in the input. */
type PlaceOf = (layer: ResizeLayer, size: number, count: number) => (i: number) => Place;

function neighbours<A extends Float32Array | Int32Array>(
  layer: ResizeLayer,
  axis: 0 | 1,
  placeOf: PlaceOf,
  arrayOf: (values: readonly number[]) => A,
): Neighbours {
  const [size, count] = [layer.from[axis], layer.to[axis]];
  const of = placeOf(layer, size, count);
  const places = Array.from({ length: count }, (_, i) => of(i));
  if (places.some(([first, second]) => first >= size || second < first))
    throw new UnsupportedModelError(
      `a resize from ${size} to ${count}, whose positions reach beyond the input; supported: within it`,
    );
  const [first, second, ofFirst, ofSecond] = [0, 1, 2, 3].map((part) => places.map((place) => place[part]!)) as [
    number[],
    number[],
    number[],
    number[],
  ];
  return {
    first: Int32Array.from(first),
    second: Int32Array.from(second),
    weights: [arrayOf(ofFirst), arrayOf(ofSecond)] as unknown as Neighbours['weights'],
  };
}

const integers = (layer: ResizeLayer, placeOf: PlaceOf): Pick<ResizeFunctions, 'rows' | 'columns'> => ({
  rows: neighbours(layer, 0, placeOf, (values) => Int32Array.from(values)),
  columns: neighbours(layer, 1, placeOf, (values) => Int32Array.from(values)),
});

const floats = (layer: ResizeLayer, placeOf: PlaceOf): Pick<ResizeFunctions, 'rows' | 'columns'> => ({
  rows: neighbours(layer, 0, placeOf, (values) => Float32Array.from(values)),
  columns: neighbours(layer, 1, placeOf, (values) => Float32Array.from(values)),
});

/** Weights of 10 bits behind the point. */
const UNIT = 2 ** 10;

const fixedPlace: PlaceOf = ({ aligned, halfPixels }, size, count) => {
  const [length, places] = aligned && count > 1 ? [size - 1, count - 1] : [size, count];
  const scale = Math.trunc((UNIT * length + Math.trunc(places / 2)) / places);
  const offset = halfPixels ? Math.trunc(scale / 2) - UNIT / 2 : 0;
  return (i) => {
    const at = i * scale + offset;
    const first = Math.max(Math.trunc(at / UNIT), 0);
    const weight = at - first * UNIT;
    return [first, Math.min(Math.trunc((at + UNIT - 1) / UNIT), size - 1), UNIT - weight, weight];
  };
};

/** int8: in fixed point, half away from zero. */
const fixed = (layer: ResizeLayer): ResizeFunctions => ({
  ...integers(layer, fixedPlace),
  interpolation: { as: 'integers', shift: 20, half: 'away' },
});

/** In float32. */
const realPlace =
  (multiplyAdd: MultiplyAdd): PlaceOf =>
  ({ aligned, halfPixels }, size, count) => {
    const scale = aligned && count > 1 ? f32((size - 1) / (count - 1)) : f32(size / count);
    return (i) => {
      const at = halfPixels ? multiplyAdd(i + 0.5, scale, -0.5) : f32(i * scale);
      const first = Math.max(Math.floor(at), 0);
      const weight = f32(at - first);
      return [first, Math.min(Math.ceil(at), size - 1), f32(1 - weight), weight];
    };
  };

/** RESIZE_BILINEAR of the reference kernels. */
export const resizeByReference = (layer: ResizeLayer): ResizeFunctions =>
  layer.type === 'int8'
    ? fixed(layer)
    : {
        ...floats(layer, realPlace(twoRoundings)),
        interpolation: { as: 'floats', weightsFirst: false, fused: false },
      };

/** That of the optimized kernels; ARM's fuse multiply-adds. */
export const resizeByVectors = (layer: ResizeLayer, multiplyAdd: MultiplyAdd = twoRoundings): ResizeFunctions =>
  layer.type === 'int8'
    ? fixed(layer)
    : {
        ...floats(layer, realPlace(multiplyAdd)),
        interpolation: { as: 'floats', weightsFirst: true, fused: multiplyAdd !== twoRoundings },
      };

/** XNNPACK's weights have 11 bits behind the point. */
const BITS = 11;

const roundedPlace =
  (multiplyAdd: MultiplyAdd): PlaceOf =>
  ({ aligned, halfPixels }, size, count) => {
    const less = Number(aligned && count !== 1);
    const scale = f32((size - less) / (count - less));
    const offset = f32(f32(0.5 * scale) - 0.5);
    return (i) => {
      const given = aligned || !halfPixels ? f32(i * scale) : multiplyAdd(i, scale, offset);
      const at = clamp(given, 0, size - 1);
      const first = Math.trunc(at);
      const weight = roundHalfEven(f32(f32(at - first) * 2 ** BITS));
      return [first, Math.min(first + 1, size - 1), 2 ** BITS - weight, weight];
    };
  };

/** Of both types in integers, half up. */
export const resizeByXnnpack = (layer: ResizeLayer, multiplyAdd: MultiplyAdd): ResizeFunctions => ({
  ...integers(layer, roundedPlace(multiplyAdd)),
  interpolation: { as: 'integers', shift: 2 * BITS, half: 'up' },
});
