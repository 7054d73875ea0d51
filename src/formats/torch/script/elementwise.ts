import type { Attributes, Quantization } from '../../../graph/graph.ts';
import type { Call } from './call.ts';
import { clampAtZero, isPixel, like, memoryOf, type Handler } from './activations.ts';
import type { Activation } from './values.ts';

/** An element-wise function with an output quantization of its own: arguments from `index` on, or the one given. */
export const unary =
  (op: string, quantization: number | Quantization, attributes: (call: Call) => Attributes = () => ({})): Handler =>
  (call) => {
    const x = call.bytes();
    const own = typeof quantization === 'number' ? call.quantization(quantization) : quantization;
    return call.node(op, [x], like(x, { quantization: own }), { ...attributes(call), ...memoryOf(call, x) });
  };

/** Of what lies between 0 and 1. */
export const FRACTION: Quantization = { scale: Float64Array.of(1 / 256), zeroPoint: Int32Array.of(0) };

/** The same bytes, of which the least and the most are given, with a quantization of their own. */
const bounded = (call: Call, x: Activation, least: number, most: number, quantization = x.quantization): Activation =>
  call.node('Relu', [x], like(x, { quantization }), { clamp: [least, most] });

export const relu: Handler = (call) => {
  const x = call.bytes();
  return bounded(call, x, x.quantization.zeroPoint[0]!, 255);
};

export const clampBetween =
  (bounds: (call: Call) => readonly [number, number]): Handler =>
  (call) => {
    const x = call.bytes();
    const isLast = memoryOf(call, x)['contiguous'] === undefined && !isPixel(x);
    return call.node('Clip', [x], like(x), { bounds: bounds(call), channels_last: Number(isLast) });
  };

/** A bound that is not given leaves all that there is. */
export const givenBounds = (call: Call): readonly [number, number] => [
  call.number(1, -Infinity),
  call.number(2, Infinity),
];

const roundHalfEven = (x: number): number => {
  const floor = Math.floor(x);
  const rest = x - floor;
  return floor + Number(rest > 0.5 || (rest === 0.5 && floor % 2 !== 0));
};

/** Moves the zero point; where it would leave the bytes, they are quantized once more. */
export const addScalar =
  (relu: boolean): Handler =>
  (call) => {
    const x = call.bytes();
    const [scale, zeroPoint] = [x.quantization.scale[0]!, x.quantization.zeroPoint[0]!];
    const codes = roundHalfEven(call.number(1) / scale);
    const moved = zeroPoint - codes;
    if (!Number.isSafeInteger(codes) || Math.abs(codes) >= 2 ** 31)
      return call.refuse(`a scalar of ${codes} steps`, 'less than 2^31');
    if (moved >= 0 && moved <= 255)
      return bounded(call, x, relu ? moved : 0, 255, call.tensors.activation(call.label, scale, moved));
    const own =
      moved < 0
        ? call.tensors.activation(call.label, ((255 - moved) / 255) * scale, 0)
        : call.tensors.activation(call.label, (moved / 255) * scale, 255);
    const attributes = { alpha: codes, ...(relu && clampAtZero(own)), ...memoryOf(call, x) };
    return call.node('AddScalar', [x], like(x, { quantization: own }), attributes);
  };

/** Scales the scale: the bytes stay, or are turned around. */
export const multiplyScalar =
  (relu: boolean): Handler =>
  (call) => {
    const x = call.bytes();
    const [scale, zeroPoint] = [x.quantization.scale[0]!, x.quantization.zeroPoint[0]!];
    const factor = call.number(1);
    if (factor === 0) return bounded(call, x, 0, 0, call.tensors.activation(call.label, 1, 0));
    if (factor > 0)
      return bounded(
        call,
        x,
        relu ? zeroPoint : 0,
        255,
        call.tensors.activation(call.label, factor * scale, zeroPoint),
      );
    const own = call.tensors.activation(call.label, -factor * scale, 255 - zeroPoint);
    return call.node('Complement', [x], like(x, { quantization: own }), relu ? clampAtZero(own) : {});
  };
