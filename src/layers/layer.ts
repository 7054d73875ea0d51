import type { Constant, ElementData, TensorInfo } from '../graph/graph.ts';
import type {
  Accumulation,
  Float32Function,
  Float32Order,
  InterpolationFunctions,
  LinearFunctions,
  LinearLayer,
  Neighbours,
  ResizeFunctions,
  SoftmaxFunctions,
  StepFunctions,
  SumOrder,
  SumsLayer,
} from '../engines/engine.ts';
import type { AccumulatorRange } from '../requantize/boundaries.ts';
import type { ProductOrder } from './float32/product_sum.ts';
import type { Extent } from './layout.ts';

/** Where a sliding window lies: what convolutions and pools share. */
export interface Window {
  /** [height, width], as are strides, dilations and size. */
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  /** Of the output. */
  readonly size: readonly [number, number];
}

/** A convolution; a fully connected layer is one of 1 by 1 pixels. */
export interface Linear<L extends SumsLayer = SumsLayer> {
  readonly layer: L;
  readonly input: Extent;
  readonly output: Extent;
  /** Raw weights, [output channel][input channel of the group][ky][kx]. */
  readonly weights: ArrayLike<number>;
  readonly weightSigned: boolean;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** One whose sums become bytes. */
export type ByteLinear = Linear<LinearLayer>;

/** Sums of integers, and the non-decreasing function that makes bytes of them. */
interface Summing {
  /** Of a channel's accumulator; of one channel where all have the same. */
  readonly functions: StepFunctions;
  /** The accumulators that inputs can reach. */
  readonly range: AccumulatorRange;
}

/** sum((x - zx) * (w - zw)), the bias not included. */
interface LinearSums extends Linear, Pick<Summing, 'range'> {
  /** The input's zero point, where that is a computed tensor; `layer` has it as 0 then, and sums it takes off are int32. */
  readonly zero?: TensorInfo;
  /** What makes bytes of the sums; left out where they are the result, int32. */
  readonly functions?: LinearFunctions;
  /** 'exact' where no input makes a difference. */
  readonly accumulation: Accumulation;
  /** Output channels in which some input makes a pair of products leave int16. */
  readonly overflowingChannels: number;
}

/** A function of two codes (0 to 255, from the smallest value of each type on) to a code. */
type PairFunction = (a: number, b: number) => number;

/** Where each element of a tensor moves from, in memory (layout.ts). */
export interface Places {
  /** 'separable': a list of what each batch, row, column and channel adds; 'listed': an entry for each element. */
  readonly as: 'separable' | 'listed';
  readonly places: Int32Array;
  /** What is added to each. */
  readonly base: number;
}

/** How layers with weights differ for the kernels that compute them. */
export type LinearKind = 'pointwise' | 'conv' | 'depthwise' | 'grouped' | 'gemm';

/** What each kind of layer has of its own. */
interface Kinds extends Readonly<Record<LinearKind, LinearSums>> {
  /** y = f(x0, x1), byte by byte; x1 may be broadcast to the shape of x0. */
  readonly pair: {
    readonly codes: PairFunction;
    /** That of the two operands that is no computed tensor. */
    readonly constant?: Constant;
    /** d(code)/da and d(code)/db, approximately, where a line may be found for it. */
    readonly slope?: { readonly a: number; readonly b: number };
    /** The elements [first, end) in NHWC order that have another function. */
    readonly tail?: { readonly codes: PairFunction; readonly ranges: readonly (readonly [number, number])[] };
  };
  /** y = (x - zeros) * scales of int32, each with one value for all channels or one each: in float32, one rounding each. */
  readonly scale: { readonly zeros: Int32Array; readonly scales: Float32Array };
  /** y = x + other in float32, one rounding. */
  readonly add_float32: {
    /** The other, where it is not a tensor that is read: of the shape of x, or one value a channel. */
    readonly constant?: ElementData;
    readonly perChannel: boolean;
  };
  /** y = f(x), element by element, in float32 (of int32, where x is). */
  readonly function: { readonly function: Float32Function };
  /** y = f(a, b), element by element, in float32. */
  readonly operation: {
    readonly function: Float32Function;
    /** Those of what is read that are no computed tensors. */
    readonly constants: readonly Constant[];
    /** Where each operand lies; what is 1 in it, and more in the output, is broadcast. */
    readonly extents: readonly Extent[];
  };
  /** The mean or the largest of a window, in float32. */
  readonly pool_float32: {
    readonly window: Window;
    readonly order: Float32Order;
    readonly takes: 'mean' | 'largest';
    /** Is a sum divided by the window's size, whatever of it lies in the padding? */
    readonly countsPads: boolean;
    /** The input's [height, width], as they are seen: all pixels may be one row. */
    readonly size: readonly [number, number];
  };
  /** Of float32 rows along an axis. */
  readonly softmax_float32: {
    readonly axis: number;
    /** What the exponential function takes: see the shader. */
    readonly constants: readonly number[];
  };
  /** A convolution, or a fully connected layer, of float32. */
  readonly conv_float32: {
    readonly window: Window;
    readonly groups: number;
    /** [output channel][input channel of the group][ky][kx] */
    readonly filters: Float32Array;
    readonly order: ProductOrder;
    /** What its columns are. */
    readonly along: 'pixels' | 'channels';
    readonly bias?: Float32Array;
    /** Another tensor to which the sums are added. */
    readonly addend?: TensorInfo;
    /** Do the sums begin with the one, or the other, or is it added last? Both last: the bias first. */
    readonly biasFirst?: boolean;
    readonly addendFirst?: boolean;
    /**
     * What an activation leaves of the values: of two zeros the larger, then the smaller, as their signs are ordered; of the
     * columns from one on a zero of either sign stays.
     */
    readonly clamp?: { readonly bounds: readonly [least: number, most: number]; readonly from: number };
  };
  /** A transposed convolution of float32; of its window the strides and pads are those of the input's pixels in the output. */
  readonly conv_transpose_float32: {
    readonly window: Window;
    readonly groups: number;
    /** [input channel][output channel of the group][ky][kx] */
    readonly filters: Float32Array;
    /** Of the sum over the channels of a pixel of the input. */
    readonly order: ProductOrder;
    readonly bias?: Float32Array;
  };
  /** The smallest and the largest value of a float32 tensor and 0. */
  readonly range: object;
  /** What follows from a range. */
  readonly range_parameter: { readonly parameter: 'scale' | 'zero_point' };
  /** float32 to uint8, by a scale and a zero point that are read. */
  readonly dynamic_quantize: object;
  /** Of sum(x - zx) over all pixels of a channel. */
  readonly global_average_pool: Summing & { readonly pixels: number };
  /** y = output(divisor)(float32 sum of value(x)). */
  readonly average_pool: {
    readonly window: Window;
    readonly order: SumOrder;
    /** What a sum over so many elements is divided by. */
    divisor(elements: number): number;
    value(x: number): number;
    output(divisor: number): (sum: number) => number;
  };
  /** Of sum((a - za) * (b - zb)), row by row; one of the two may be a constant. */
  readonly matmul: Summing & { readonly constant?: Constant };
  readonly resize_bilinear: { readonly functions: ResizeFunctions };
  /** Between four values each, by float32 weights of rows and columns. */
  readonly resize_linear: {
    readonly rows: Neighbours;
    readonly columns: Neighbours;
    readonly functions: InterpolationFunctions;
  };
  /** The same of float32 values. */
  readonly resize_linear_float32: { readonly rows: Neighbours; readonly columns: Neighbours };
  readonly max_pool: { readonly window: Window };
  /** y = values[code of x]: 8 bits, or float32. */
  readonly table: {
    readonly values: Uint8Array | Int8Array | Float32Array;
    /** Elements from `first` on, in NHWC order, have a table of their own. */
    readonly tail?: { readonly values: Uint8Array | Int8Array | Float32Array; readonly first: number };
  };
  /** Over the channels of each pixel. */
  readonly softmax: { readonly functions: SoftmaxFunctions };
  readonly move: Places & {
    /** What stands where nothing moves; a value of the tensor's type. */
    readonly fill: number;
    /** For each element of the output that of the input, both in row-major order (NCHW); -1: the fill. */
    sources(): Int32Array;
  };
  /** The same values in the same memory, in another shape. */
  readonly view: object;
  /** One tensor behind the other along an axis, which is a coordinate of the layout: 0 batch, 1 channel, 2 row, 3 column. */
  readonly concat: {
    readonly axis: number;
    readonly coordinate: number;
    /** Those of what is read that are no computed tensors. */
    readonly constants: readonly Constant[];
  };
  /** Of the float's key: see float_keys. Elements from `tail.first` on, in NHWC order, have functions of their own. */
  readonly quantize: Summing & { readonly tail?: { readonly values: StepFunctions; readonly first: number } };
}

export type LayerKind = keyof Kinds;

/** The node that a layer computes, the computed tensors that it reads, and the one that it makes. */
export interface Place {
  readonly node: string;
  readonly op: string;
  readonly reads: readonly TensorInfo[];
  readonly writes: TensorInfo;
}

/** What has to be computed for one node, whatever computes it: plain data, and functions of the engine's. */
export type Layer<K extends LayerKind = LayerKind> = {
  [P in K]: { readonly kind: P } & Place & Readonly<Kinds[P]>;
}[K];

export function isLinear(layer: Layer): layer is Layer<LinearKind> {
  return 'weights' in layer;
}

/** A layer whose sums become bytes. */
export type Requantizing<K extends LinearKind> = Layer<K> & Pick<Summing, 'functions'>;

export function makesBytes<K extends LinearKind>(layer: Layer<K>): layer is Requantizing<K> {
  return layer.functions !== undefined;
}
