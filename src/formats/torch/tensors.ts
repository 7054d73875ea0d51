import { InvalidModelError } from '../../errors.ts';
import { elementCount } from '../../graph/graph.ts';
import { describe, PickleGlobal, PickleObject, type PickleValue } from './pickle.ts';

export type StorageArray = Int8Array | Uint8Array | Float32Array | Float64Array;

interface StorageType {
  readonly elementBytes: number;
  /** Elements are read into this; int64 into doubles. */
  readonly array: new (length: number) => StorageArray;
  read(view: DataView, offset: number): number;
}

/** Storages are little-endian in both of torch.save's formats. */
const STORAGE_TYPES: Readonly<Record<string, StorageType>> = {
  'torch.FloatStorage': { elementBytes: 4, array: Float32Array, read: (view, at) => view.getFloat32(at, true) },
  'torch.DoubleStorage': { elementBytes: 8, array: Float64Array, read: (view, at) => view.getFloat64(at, true) },
  'torch.LongStorage': { elementBytes: 8, array: Float64Array, read: (view, at) => Number(view.getBigInt64(at, true)) },
  'torch.IntStorage': { elementBytes: 4, array: Float64Array, read: (view, at) => view.getInt32(at, true) },
  'torch.ShortStorage': { elementBytes: 2, array: Float64Array, read: (view, at) => view.getInt16(at, true) },
  'torch.QInt8Storage': { elementBytes: 1, array: Int8Array, read: (view, at) => view.getInt8(at) },
  'torch.QUInt8Storage': { elementBytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
};

/** A run of elements that tensors are views of. Its bytes are elsewhere in the file, under its key. */
export class TorchStorage extends PickleObject {
  readonly typeName: string;
  readonly type: StorageType;
  readonly key: string;
  readonly elements: number;

  constructor(typeName: string, key: string, elements: number) {
    super();
    const type = STORAGE_TYPES[typeName];
    if (!type) throw new InvalidModelError(`a storage of type ${typeName}`);
    this.typeName = typeName;
    this.type = type;
    this.key = key;
    this.elements = elements;
  }

  get byteLength(): number {
    return this.elements * this.type.elementBytes;
  }

  override describe(): string {
    return `a ${this.typeName} of ${this.elements} elements`;
  }
}

/** scale and zeroPoint are a tensor's, or one for each index of `axis`. */
type Quantizer =
  | { readonly scale: number; readonly zeroPoint: number }
  | { readonly scale: TorchTensor; readonly zeroPoint: TorchTensor; readonly axis: number };

/** A strided view of a storage, inside its bounds and without overlap by stride 0. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly quantizer: Quantizer | undefined;

  constructor(
    storage: TorchStorage,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
    quantizer?: Quantizer,
  ) {
    super();
    const last = shape.reduce((index, dimension, axis) => index + (dimension - 1) * strides[axis]!, offset);
    // as many elements as the storage at most: a stride of 0 could make gigabytes out of one byte
    if (shape.some((dimension) => dimension < 1) || last >= storage.elements || elementCount(shape) > storage.elements)
      throw new InvalidModelError(
        `a tensor [${shape.join(', ')}] with strides [${strides.join(', ')}] from ${offset} ` +
          `is not a view of ${storage.describe()}`,
      );
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.quantizer = quantizer;
  }

  override describe(): string {
    const kind = this.quantizer ? 'quantized ' : '';
    return `a ${kind}tensor [${this.shape.join(', ')}] of ${this.storage.typeName}`;
  }

  /** The elements in C order, from the bytes of its storage. */
  read(bytes: Uint8Array): StorageArray {
    const { elementBytes, array, read } = this.storage.type;
    const { shape, strides } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = new array(elementCount(shape));
    const index = shape.map(() => 0);
    let from = this.offset;
    for (let i = 0; i < data.length; i++) {
      data[i] = read(view, from * elementBytes);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += strides[axis]!;
        if (++index[axis]! < shape[axis]!) break;
        from -= strides[axis]! * shape[axis]!;
        index[axis] = 0;
      }
    }
    return data;
  }
}

const MAX_RANK = 8;

function integer(value: PickleValue | undefined, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidModelError(`${what} is ${describe(value)}; expected a whole number from 0`);
  return value;
}

function integers(value: PickleValue | undefined, what: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK)
    throw new InvalidModelError(`${what} is ${describe(value)}; expected up to ${MAX_RANK} numbers`);
  return value.map((entry) => integer(entry, what));
}

function rebuildTensor(args: readonly PickleValue[], quantizer?: Quantizer): TorchTensor {
  const [storage, offset, size, stride] = args;
  if (!(storage instanceof TorchStorage))
    throw new InvalidModelError(`a tensor on ${describe(storage)}; expected a storage`);
  const shape = integers(size, "a tensor's size");
  const strides = integers(stride, "a tensor's stride");
  if (shape.length !== strides.length)
    throw new InvalidModelError(`a tensor of rank ${shape.length} with ${strides.length} strides`);
  return new TorchTensor(storage, integer(offset, "a tensor's offset"), shape, strides, quantizer);
}

function quantizer(params: PickleValue | undefined): Quantizer {
  const [scheme, scale, zeroPoint, axis] = Array.isArray(params) ? params : [];
  if (scheme === PER_TENSOR && typeof scale === 'number' && typeof zeroPoint === 'number') return { scale, zeroPoint };
  if (scheme === PER_CHANNEL && scale instanceof TorchTensor && zeroPoint instanceof TorchTensor)
    return { scale, zeroPoint, axis: integer(axis, 'the axis of a per-channel tensor') };
  throw new InvalidModelError(
    `a tensor quantized by ${describe(scheme)} with ${describe(scale)} and ${describe(zeroPoint)}; ` +
      `supported: ${PER_TENSOR.name}, ${PER_CHANNEL.name}`,
  );
}

const PER_TENSOR = new PickleGlobal('torch.per_tensor_affine');
const PER_CHANNEL = new PickleGlobal('torch.per_channel_affine');

/** All that the pickle of a state_dict may name. */
export const TORCH_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal('collections.OrderedDict', (args) => {
      if (args.length > 0) throw new InvalidModelError(`an OrderedDict made of ${describe([...args])}; expected empty`);
      return new Map();
    }),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', (args) => rebuildTensor(args)),
    new PickleGlobal('torch._utils._rebuild_qtensor', (args) => rebuildTensor(args, quantizer(args[4]))),
    new PickleGlobal('torch._utils._rebuild_parameter', ([tensor]) => {
      if (!(tensor instanceof TorchTensor))
        throw new InvalidModelError(`a parameter made of ${describe(tensor)}; expected a tensor`);
      return tensor;
    }),
    PER_TENSOR,
    PER_CHANNEL,
    new PickleGlobal('torch.qint8'),
    new PickleGlobal('torch.quint8'),
    ...Object.keys(STORAGE_TYPES).map((name) => new PickleGlobal(name)),
  ].map((global) => [global.name, global]),
);

/** ('storage', type, key, location, elements), and in the legacy format None: not a view of another storage. */
export function loadStorage(id: PickleValue): TorchStorage {
  const [tag, type, key, , elements, view = null] = Array.isArray(id) ? id : [];
  if (tag !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string' || view !== null)
    throw new InvalidModelError(`a persistent id that is ${describe(id)}; expected that of a storage`);
  return new TorchStorage(type.name, key, integer(elements, "a storage's length"));
}
