import { InvalidInputError } from './errors.ts';
import {
  elementCount,
  ELEMENT_TYPES,
  isByteType,
  byteRange,
  newElementData,
  type ElementArrays,
  type ElementType,
} from './graph/graph.ts';
import { isRecord, kindOf, listOf } from './kind_of.ts';
import {
  dataUrlOf,
  fromImage,
  imageDataOf,
  toPixels,
  type FromImageOptions,
  type ToImageOptions,
} from './pictures/conversion.ts';
import type { Pixels, PictureSource } from './pictures/decode.ts';

/** Where the elements of a tensor are; 'none': it was disposed of. */
export type TensorLocation = 'cpu' | 'gpu-buffer' | 'none';

/** What `Tensor.fromGpuBuffer` takes. */
export interface GpuBufferOptions<T extends ElementType = ElementType> {
  /** Default: float32. */
  readonly dataType?: T;
  readonly dims: readonly number[];
  /** How `getData` gets the elements. */
  download?(): Promise<ElementArrays[T]>;
  /** What `dispose` does with the buffer; without it the buffer stays the caller's. */
  dispose?(): void;
}

/** A dense tensor in C order; 4-D tensors are NCHW. The shape people know from onnxruntime. */
export interface Tensor<T extends ElementType = ElementType> {
  readonly type: T;
  readonly dims: readonly number[];
  /** The number of elements. */
  readonly size: number;
  readonly location: TensorLocation;
  /** The elements. @throws InvalidInputError where they are on a GPU, or no more */
  readonly data: ElementArrays[T];
  /** Elements in C order, those of 8-bit types four a word. @throws InvalidInputError where they are not on a GPU */
  readonly gpuBuffer: GPUBuffer;
  /** @throws InvalidInputError always: no tensor is a WebGL texture */
  readonly texture: never;
  /** @throws InvalidInputError always: no tensor is one of WebNN's */
  readonly mlTensor: never;
  /**
   * The elements, wherever they are.
   *
   * @param releaseData frees the GPU's memory once the elements are here: the tensor is one of the host then
   * @throws InvalidInputError where they are no more; DeviceError
   */
  getData(releaseData?: boolean): Promise<ElementArrays[T]>;
  /** Lets go of the elements, and of the GPU's memory where it is the tensor's own. */
  dispose(): void;
  /** The same elements with other dims. @throws InvalidInputError where the count differs, or the elements are on a GPU */
  reshape(dims: readonly number[]): Tensor<T>;
  /** A picture of a tensor [1, C, H, W]. @throws InvalidInputError where it has not the format's channels */
  toImageData(options?: ToImageOptions): GlobalImageData;
  /** The same as a PNG, in documents. @throws InvalidInputError likewise, and where there is no document */
  toDataURL(options?: ToImageOptions): string;
}

/** The browser's, where its types are there. */
type GlobalImageData = typeof globalThis extends { ImageData: { prototype: infer T } } ? T : Pixels;

type Numbers = readonly number[];

export interface TensorConstructor {
  /**
   * @param data an array of the type's class; or numbers, each of which the type must have
   * @param dims default: one dimension of all elements
   * @throws InvalidInputError where the data's class, values or length do not fit type and dims
   */
  new <T extends 'int64'>(
    type: T,
    data: ElementArrays[T] | readonly bigint[] | Numbers,
    dims?: readonly number[],
  ): Tensor<T>;
  new (type: 'uint8', data: Uint8ClampedArray, dims?: readonly number[]): Tensor<'uint8'>;
  new <T extends Exclude<ElementType, 'int64'>>(
    type: T,
    data: ElementArrays[T] | Numbers,
    dims?: readonly number[],
  ): Tensor<T>;
  new <T extends ElementType>(type: T, data: ElementArrays[T], dims?: readonly number[]): Tensor<T>;
  new (data: Float32Array, dims?: readonly number[]): Tensor<'float32'>;
  new (data: Int8Array, dims?: readonly number[]): Tensor<'int8'>;
  new (data: Uint8Array | Uint8ClampedArray, dims?: readonly number[]): Tensor<'uint8'>;
  new (data: Int32Array, dims?: readonly number[]): Tensor<'int32'>;
  new (data: BigInt64Array, dims?: readonly number[]): Tensor<'int64'>;
  new (data: ElementArrays[ElementType], dims?: readonly number[]): Tensor;
  new (
    type: ElementType,
    data: ElementArrays[ElementType] | readonly bigint[] | Numbers,
    dims?: readonly number[],
  ): Tensor;
  readonly prototype: Tensor;

  /**
   * A tensor in a caller's buffer, in C order, on the session's device (`session.device`). 8-bit types lie four a word:
   * the buffer is as long as the elements, rounded up to four bytes, or longer. As an input it needs
   * `GPUBufferUsage.STORAGE`; nobody writes to it.
   *
   * @throws InvalidInputError
   */
  fromGpuBuffer<T extends ElementType = 'float32'>(buffer: GPUBuffer, options: GpuBufferOptions<T>): Tensor<T>;
  /**
   * A picture as [1, C, height, width]; by default RGB, float32, byte / 255. Without a `resizedWidth` and
   * `resizedHeight` it keeps its size. `preprocess` makes of a picture what a model was trained with.
   *
   * @throws InvalidInputError for what is no picture, or does not fit the options
   */
  fromImage(source: PictureSource, options?: FromImageOptions): Promise<Tensor<'float32'> | Tensor<'uint8'>>;
  /** @throws InvalidInputError always: a WebGL texture cannot be read by WebGPU */
  fromTexture(...given: readonly unknown[]): never;
  /** @throws InvalidInputError always: tensors of WebNN cannot be read by WebGPU */
  fromMLTensor(...given: readonly unknown[]): never;
  /** As the constructor: there is no pinned memory in a browser. */
  fromPinnedBuffer<T extends ElementType>(type: T, buffer: ElementArrays[T], dims?: readonly number[]): Tensor<T>;
}

/** By its tag, not by its class: arrays of other windows are arrays, too. */
const tagOf = (type: ElementType): string => newElementData(type, 0)[Symbol.toStringTag];

const isView = (value: unknown): value is ArrayBufferView & { readonly [Symbol.toStringTag]: string } =>
  ArrayBuffer.isView(value);

function checkDims(dims: unknown, count: number): readonly number[] {
  if (!Array.isArray(dims)) throw new InvalidInputError(`dims are an array of numbers, got ${kindOf(dims)}`);
  const shape = [...dims] as number[];
  if (!shape.every((d) => Number.isInteger(d) && d >= 0) || elementCount(shape) !== count)
    throw new InvalidInputError(
      `dims ${listOf(shape)} do not describe ${count} elements` +
        (count === 0 ? '; an array that was transferred has none' : ''),
    );
  return shape;
}

/** @throws InvalidInputError where a number is none of the type's: none is wrapped or cut */
function fromNumbers(type: ElementType, values: readonly unknown[]): ElementArrays[ElementType] {
  const [least, most] = isByteType(type) ? byteRange(type) : [-(2 ** 31), 2 ** 31 - 1];
  const fits = (value: unknown): boolean => {
    if (type === 'float32') return typeof value === 'number';
    if (type === 'int64')
      return typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
    return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  };
  const wrong = values.findIndex((value) => !fits(value));
  if (wrong >= 0)
    throw new InvalidInputError(`element ${wrong} is ${kindOf(values[wrong])}, which is no value of ${type}`);
  const data = newElementData(type, values.length);
  for (const [i, value] of values.entries()) data[i] = (type === 'int64' ? BigInt(value as number) : value) as never;
  return data;
}

function elementsOf(type: ElementType, data: unknown): ElementArrays[ElementType] {
  if (Array.isArray(data)) return fromNumbers(type, data);
  if (isView(data)) {
    if (data[Symbol.toStringTag] === tagOf(type)) return data as ElementArrays[ElementType];
    if (type === 'uint8' && data[Symbol.toStringTag] === 'Uint8ClampedArray')
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new InvalidInputError(`a ${type} tensor takes a ${tagOf(type)}, got ${kindOf(data)}`);
}

/** The type of an array's elements, where it is given without one. */
function typeOf(data: unknown): ElementType {
  const tag = isView(data) ? data[Symbol.toStringTag] : '';
  const found = ELEMENT_TYPES.find((type) => tagOf(type) === tag || (type === 'uint8' && tag === 'Uint8ClampedArray'));
  if (!found)
    throw new InvalidInputError(
      `a tensor is made of a type (${ELEMENT_TYPES.join(', ')}), its elements and its dims; got ${kindOf(data)} as type`,
    );
  return found;
}

class DenseTensor {
  readonly type: ElementType;
  dims: readonly number[];
  #data: ElementArrays[ElementType] | undefined;
  #memory: (GpuBufferOptions & { readonly buffer: GPUBuffer }) | undefined;

  constructor(first: unknown, second?: unknown, third?: unknown) {
    const named = typeof first === 'string' || !(isView(first) || Array.isArray(first));
    const type = named && ELEMENT_TYPES.includes(first as ElementType) ? (first as ElementType) : typeOf(first);
    const [data, dims] = named ? [second, third] : [first, second];
    this.type = type;
    this.#data = elementsOf(type, data);
    this.dims = checkDims(dims ?? [this.#data.length], this.#data.length);
  }

  static fromGpuBuffer(buffer: GPUBuffer, options: GpuBufferOptions): DenseTensor {
    if (!isRecord(buffer) || typeof buffer['mapAsync'] !== 'function')
      throw new InvalidInputError(`a tensor on a GPU is made of a GPUBuffer; got ${kindOf(buffer)}`);
    if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
    const { dataType = 'float32', dims } = options;
    if (!ELEMENT_TYPES.includes(dataType))
      throw new InvalidInputError(`dataType is one of ${ELEMENT_TYPES.join(', ')}; got ${kindOf(dataType)}`);
    const made = new DenseTensor(dataType, newElementData(dataType, 0), [0]);
    const shape = checkDims(dims, Array.isArray(dims) ? elementCount(dims) : 0);
    const bytes = Math.ceil((elementCount(shape) * newElementData(dataType, 0).BYTES_PER_ELEMENT) / 4) * 4;
    if (buffer.size < bytes)
      throw new InvalidInputError(`${dataType} ${listOf(shape)} needs ${bytes} bytes, the buffer has ${buffer.size}`);
    made.dims = shape;
    made.#data = undefined;
    made.#memory = { ...options, buffer };
    return made;
  }

  static fromPinnedBuffer(type: ElementType, buffer: unknown, dims?: unknown): DenseTensor {
    return new DenseTensor(type, buffer, dims);
  }

  static async fromImage(source: PictureSource, options?: FromImageOptions): Promise<DenseTensor> {
    const { type, data, dims } = await fromImage(source, options);
    return new DenseTensor(type, data, dims);
  }

  static fromTexture(): never {
    throw new InvalidInputError('WebGPU cannot read a WebGL texture; take Tensor.fromImage of its canvas');
  }

  static fromMLTensor(): never {
    throw new InvalidInputError("WebGPU cannot read WebNN's tensors; read them, and make a tensor on the host");
  }

  get size(): number {
    return elementCount(this.dims);
  }

  get location(): TensorLocation {
    if (this.#data) return 'cpu';
    return this.#memory ? 'gpu-buffer' : 'none';
  }

  get data(): ElementArrays[ElementType] {
    if (!this.#data) throw this.#elsewhere('data', '; await tensor.getData() brings them here');
    return this.#data;
  }

  get gpuBuffer(): GPUBuffer {
    if (!this.#memory) throw this.#elsewhere('gpuBuffer', '');
    return this.#memory.buffer;
  }

  get texture(): never {
    throw this.#elsewhere('texture', '');
  }

  get mlTensor(): never {
    throw this.#elsewhere('mlTensor', '');
  }

  async getData(releaseData = false): Promise<ElementArrays[ElementType]> {
    if (this.#data) return this.#data;
    if (!this.#memory?.download)
      throw this.#elsewhere('data', this.#memory ? ', and it was made without download' : '');
    const data = elementsOf(this.type, await this.#memory.download());
    if (releaseData) {
      this.dispose();
      this.#data = data;
    }
    return data;
  }

  dispose(): void {
    this.#memory?.dispose?.();
    this.#memory = undefined;
    this.#data = undefined;
  }

  reshape(dims: readonly number[]): DenseTensor {
    return new DenseTensor(this.type, this.data, dims);
  }

  toImageData(options?: ToImageOptions): unknown {
    return imageDataOf(toPixels(this.data, this.dims, options));
  }

  toDataURL(options?: ToImageOptions): string {
    return dataUrlOf(toPixels(this.data, this.dims, options));
  }

  #elsewhere(asked: string, advice: string): InvalidInputError {
    const where = { cpu: 'on the host', 'gpu-buffer': 'on a GPU', none: 'disposed of' }[this.location];
    return new InvalidInputError(`tensor.${asked}: its elements are ${where}${this.#memory ? advice : ''}`);
  }
}

export const Tensor = DenseTensor as unknown as TensorConstructor;
