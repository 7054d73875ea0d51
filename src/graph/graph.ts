/**
 * The graph every format is read into, and every later stage works on: plain data, tensors by name.
 *
 * Shapes are logical and NCHW ([N, C, H, W] or [N, C]), whatever the file's own layout was. Operators
 * carry ONNX's names and attributes; what makes an operator quantized is the element type and the
 * `quantization` of its tensors, not its name: a `Conv` from uint8 to uint8 is ONNX's QLinearConv.
 */
export type ElementType = 'uint8' | 'int8' | 'int32' | 'int64' | 'float32';

export interface ElementArrays {
  uint8: Uint8Array;
  int8: Int8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  float32: Float32Array;
}

export type ElementData = ElementArrays[ElementType];

/** As the file stores them: ONNX's are float32 values, PyTorch's doubles, which each of its engines rounds in its own place. */
export type Scales = Float32Array | Float64Array;

/** What holds for a channel, of one value for all or one each. */
export const ofChannel = (values: ArrayLike<number>, channel: number): number =>
  values[values.length === 1 ? 0 : channel]!;

/** real = scale * (q - zeroPoint); one entry, or one for each index of `axis`. */
export interface Quantization {
  readonly scale: Scales;
  readonly zeroPoint: Int32Array;
  readonly axis?: number;
}

/** A dimension that the model leaves open (a symbolic batch size). */
export const DYNAMIC = -1;

export interface TensorInfo {
  readonly name: string;
  readonly type: ElementType;
  /** NCHW; graph inputs may hold DYNAMIC. */
  readonly shape: readonly number[];
  readonly quantization?: Quantization;
}

export interface Constant extends TensorInfo {
  readonly data: ElementData;
}

export type Attribute = number | string | readonly number[];
export type Attributes = Readonly<Record<string, Attribute>>;

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Tensor names in ONNX order; '' where an optional operand is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface Graph {
  readonly name: string;
  /** 'onnx', 'torch', ...: where it came from. */
  readonly format: string;
  /** How recordings of its tensors of four dimensions lie, where that is not as in the graph. */
  readonly layout?: 'NHWC';
  /** The engine a file of this kind is for, where the file or its format says so. */
  readonly engine: string;
  /** In an order in which every operand is defined before it is used. */
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly string[];
  /** Shapes of inputs and outputs as the file has them: a text for a dimension that is open, its name or ''. */
  readonly declared?: ReadonlyMap<string, readonly (number | string)[]>;
  /** What the file calls inputs and outputs beside: the tensor of each such name. */
  readonly signature?: { readonly inputs: ReadonlyMap<string, string>; readonly outputs: ReadonlyMap<string, string> };
  readonly constants: ReadonlyMap<string, Constant>;
  /** What the file itself says of tensors that nodes compute: the quantization of 8-bit tensors, at least. */
  readonly tensors: ReadonlyMap<string, TensorInfo | QuantizedType | QuantizedType<'int32'>>;
}

/** What a file says of a quantized tensor whose shape is only known after inference; int32 are sums of products. */
export interface QuantizedType<T extends ElementType = 'uint8' | 'int8'> {
  readonly name: string;
  readonly type: T;
  readonly quantization: Quantization;
  readonly shape?: undefined;
}

const BYTES: Record<ElementType, number> = { uint8: 1, int8: 1, int32: 4, int64: 8, float32: 4 };

export const ELEMENT_TYPES = Object.keys(BYTES) as readonly ElementType[];

export function elementBytes(type: ElementType): number {
  return BYTES[type];
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

export function isByteType(type: ElementType): type is 'uint8' | 'int8' {
  return type === 'uint8' || type === 'int8';
}

/** [smallest, largest] value of an 8-bit type. */
export function byteRange(type: 'uint8' | 'int8'): readonly [number, number] {
  return type === 'uint8' ? [0, 255] : [-128, 127];
}

export function newElementData<T extends ElementType>(type: T, length: number): ElementArrays[T] {
  const constructors: { [K in ElementType]: new (n: number) => ElementArrays[K] } = {
    uint8: Uint8Array,
    int8: Int8Array,
    int32: Int32Array,
    int64: BigInt64Array,
    float32: Float32Array,
  };
  return new constructors[type](length);
}
