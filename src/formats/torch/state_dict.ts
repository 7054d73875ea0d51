import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import type { Quantization } from '../../graph/graph.ts';
import type { Checkpoint } from './checkpoint.ts';
import { describe, type PickleValue } from './pickle.ts';
import { TorchTensor, type StorageArray } from './tensors.ts';

const SUPPORTED =
  "supported: the state_dict of torchvision's quantized MobileNetV2, models.quantization.mobilenet_v2(quantize=True)";

/** A dimension that may have any length. */
export const ANY = null;
type ExpectedShape = readonly (number | typeof ANY)[];

export interface QuantizedWeight {
  readonly shape: readonly number[];
  readonly data: Int8Array;
  readonly quantization: Quantization;
}

/** The tensors of a state_dict by their keys; what is not there or is of another kind is an UnsupportedModelError. */
export class StateDict {
  private readonly entries: ReadonlyMap<string, PickleValue>;
  private readonly checkpoint: Checkpoint;
  private readonly used = new Set<string>();

  constructor(checkpoint: Checkpoint) {
    const { root } = checkpoint;
    if (!(root instanceof Map)) throw new UnsupportedModelError(`the file holds ${describe(root)}; ${SUPPORTED}`);
    this.entries = root;
    this.checkpoint = checkpoint;
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  get(key: string): PickleValue {
    const value = this.entries.get(key);
    if (value === undefined) {
      const first = [...this.entries.keys()].slice(0, 3).map((name) => `'${name.slice(0, 80)}'`);
      throw new UnsupportedModelError(
        `'${key}' is missing among ${this.entries.size} entries (${first.join(', ')} ...); ${SUPPORTED}`,
      );
    }
    this.used.add(key);
    return value;
  }

  /** @throws UnsupportedModelError where an entry was never asked for: the network is another one */
  requireAllUsed(): void {
    const unused = [...this.entries.keys()].filter((key) => !this.used.has(key));
    if (unused.length > 0)
      throw new UnsupportedModelError(`'${unused[0]!.slice(0, 80)}' is not part of a MobileNetV2; ${SUPPORTED}`);
  }

  weight(key: string, shape: ExpectedShape, value = this.get(key)): QuantizedWeight {
    const tensor = this.tensor(key, value, 'a qint8 tensor', shape);
    const data = this.read(tensor);
    const { quantizer } = tensor;
    if (!quantizer || !(data instanceof Int8Array))
      throw new UnsupportedModelError(`'${key}': expected a qint8 tensor, got ${describe(tensor)}; ${SUPPORTED}`);
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

  floats(key: string, length: number, value = this.get(key)): Float32Array {
    const data = this.read(this.tensor(key, value, 'a float32 tensor', [length]));
    if (!(data instanceof Float32Array) || !data.every(Number.isFinite))
      throw new InvalidModelError(`'${key}': expected finite float32 values`);
    return data;
  }

  /** `<module>.scale` and `<module>.zero_point` of a quint8 activation. */
  activation(module: string): Quantization {
    const scale = positiveScale(`${module}.scale`, this.scalar(`${module}.scale`));
    const zeroPoint = this.scalar(`${module}.zero_point`);
    if (!Number.isInteger(zeroPoint) || zeroPoint < 0 || zeroPoint > 255)
      throw new InvalidModelError(`'${module}.zero_point' is ${zeroPoint}; expected 0 to 255`);
    return { scale: Float64Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) };
  }

  /** Shape [] or [1]. */
  private scalar(key: string): number {
    const value = this.get(key);
    if (!(value instanceof TorchTensor) || value.shape.some((dimension) => dimension !== 1))
      throw new UnsupportedModelError(
        `'${key}': expected a tensor of one element, got ${describe(value)}; ${SUPPORTED}`,
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
        `'${key}': expected ${kind} [${shape.map((d) => d ?? 'any').join(', ')}], got ${describe(value)}; ${SUPPORTED}`,
      );
    return value;
  }

  private read(tensor: TorchTensor): StorageArray {
    return tensor.read(this.checkpoint.bytesOf(tensor.storage));
  }
}

/** A double, which every engine rounds to a float32 in some place. */
function positiveScale(key: string, value: number): number {
  const scale = Math.fround(value);
  if (!(scale > 0) || !Number.isFinite(scale))
    throw new InvalidModelError(`'${key}': the scale ${value}; expected a positive, finite float32`);
  return value;
}
