import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import type { Quantization } from '../../graph/graph.ts';
import type { Checkpoint } from './checkpoint.ts';
import { describe, type PickleValue } from './pickle.ts';
import { TorchTensor, type StorageArray } from './tensors.ts';

/** A dimension that may have any length. */
export const ANY = null;
type ExpectedShape = readonly (number | typeof ANY)[];

export interface QuantizedWeight {
  readonly shape: readonly number[];
  readonly data: Int8Array;
  readonly quantization: Quantization;
}

/** Reads the numbers of tensors; what is of another kind than asked for is an UnsupportedModelError. */
export class TensorReader {
  readonly #bytesOf: Checkpoint['bytesOf'];
  readonly #supported: string;

  /** @param supported the end of messages */
  constructor(bytesOf: Checkpoint['bytesOf'], supported: string) {
    this.#bytesOf = bytesOf;
    this.#supported = supported;
  }

  weight(key: string, value: PickleValue, shape: ExpectedShape): QuantizedWeight {
    const tensor = this.tensor(key, value, 'a qint8 tensor', shape);
    const data = this.read(tensor);
    const { quantizer } = tensor;
    if (!quantizer || !(data instanceof Int8Array))
      throw new UnsupportedModelError(`'${key}': expected a qint8 tensor, got ${describe(tensor)}; ${this.#supported}`);
    if (!('axis' in quantizer))
      return {
        shape: tensor.shape,
        data,
        quantization: this.weightQuantization(key, [quantizer.scale], [quantizer.zeroPoint]),
      };
    const channels = tensor.shape[0]!;
    if (quantizer.axis !== 0)
      throw new UnsupportedModelError(`'${key}': quantized along axis ${quantizer.axis}; supported: axis 0`);
    const scale = this.read(this.tensor(`${key} (scales)`, quantizer.scale, 'a tensor', [channels]));
    const zeroPoint = this.read(this.tensor(`${key} (zero points)`, quantizer.zeroPoint, 'a tensor', [channels]));
    return {
      shape: tensor.shape,
      data,
      quantization: { ...this.weightQuantization(key, scale, zeroPoint), axis: 0 },
    };
  }

  private weightQuantization(key: string, scale: ArrayLike<number>, zeroPoint: ArrayLike<number>): Quantization {
    const nonZero = Array.from(zeroPoint).find((value) => value !== 0);
    if (nonZero !== undefined)
      throw new UnsupportedModelError(`'${key}': weights with zero point ${nonZero}; supported: 0`);
    return {
      scale: Float64Array.from(scale, (s) => positiveScale(key, s)),
      zeroPoint: new Int32Array(zeroPoint.length),
    };
  }

  floats(key: string, value: PickleValue, length: number): Float32Array {
    const data = this.read(this.tensor(key, value, 'a float32 tensor', [length]));
    if (!(data instanceof Float32Array) || !data.every(Number.isFinite))
      throw new InvalidModelError(`'${key}': expected finite float32 values`);
    return data;
  }

  /** Of a quint8 activation; `what` it is of, for messages. */
  activation(what: string, storedScale: number, zeroPoint: number): Quantization {
    const scale = positiveScale(`${what}.scale`, storedScale);
    if (!Number.isInteger(zeroPoint) || zeroPoint < 0 || zeroPoint > 255)
      throw new InvalidModelError(`'${what}.zero_point' is ${zeroPoint}; expected 0 to 255`);
    return { scale: Float64Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) };
  }

  /** Of a list. */
  integers(key: string, value: PickleValue): number[] {
    return Array.from(this.read(this.tensor(key, value, 'a tensor', [ANY])));
  }

  /** Shape [] or [1]. */
  scalar(key: string, value: PickleValue): number {
    if (!(value instanceof TorchTensor) || value.shape.some((dimension) => dimension !== 1))
      throw new UnsupportedModelError(
        `'${key}': expected a tensor of one element, got ${describe(value)}; ${this.#supported}`,
      );
    return this.read(value)[0]!;
  }

  private tensor(key: string, value: PickleValue, kind: string, shape: ExpectedShape): TorchTensor {
    const fits =
      value instanceof TorchTensor &&
      value.shape.length === shape.length &&
      shape.every((dimension, axis) => dimension === ANY || dimension === value.shape[axis]);
    if (!fits)
      throw new UnsupportedModelError(
        `'${key}': expected ${kind} [${shape.map((d) => d ?? 'any').join(', ')}], got ${describe(value)}; ${this.#supported}`,
      );
    return value;
  }

  private read(tensor: TorchTensor): StorageArray {
    return tensor.read(this.#bytesOf(tensor.storage));
  }
}

/** A double, which every engine rounds to a float32 in some place. */
function positiveScale(key: string, value: number): number {
  const scale = Math.fround(value);
  if (!(scale > 0) || !Number.isFinite(scale))
    throw new InvalidModelError(`'${key}': the scale ${value}; expected a positive, finite float32`);
  return value;
}
