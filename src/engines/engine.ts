import type { Attributes, Graph, Scales } from '../graph/graph.ts';
import type { Origin } from './origin.ts';

/** Scale and zero point of a whole 8-bit tensor. */
export interface TensorQuantization {
  readonly type: 'uint8' | 'int8';
  /** As the file stores it: in PyTorch a double. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export type Clamp = readonly [least: number, most: number];

/** The sums of a convolution or a fully connected layer, as an engine's arithmetic sees them. */
export interface SumsLayer {
  readonly op: 'conv' | 'gemm';
  readonly input: TensorQuantization;
  /** One scale for all output channels, or one each. */
  readonly weightScale: Scales;
  /** Does the file say scales per channel? A single channel may have one, too. Without it: where there are several. */
  readonly perChannel?: boolean;
  readonly weightType: 'uint8' | 'int8';
  readonly weightZeroPoint: Int32Array;
  /** Does the file say that it is depthwise? One of a single channel is a convolution, too. */
  readonly depthwise?: boolean;
  /** Is it a transposed convolution to the engine? */
  readonly transposed?: boolean;
  /** Of the output, in all images. */
  readonly pixels?: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly groups: number;
  /** [height, width]; [1, 1] for gemm. */
  readonly kernel: readonly [number, number];
  /** [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
}

/** Such a layer whose sums become bytes. */
export interface LinearLayer extends SumsLayer {
  readonly output: TensorQuantization;
  /** One value a channel: Int32Array where the file holds integers (scale sx*sw), Float32Array where it holds floats. */
  readonly bias?: Int32Array | Float32Array;
  readonly relu: boolean;
  /** What an activation leaves of the output's values, where a file says it in them: [least, most]. */
  readonly clamp?: Clamp;
}

/** `rne(clamp(f32(f32(accumulator + bias) * scale), least - zeroPoint, most - zeroPoint)) + zeroPoint`: see FloatLines. */
export interface FloatLine {
  readonly bias: number;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly least: number;
  readonly most: number;
}

/** How fixed point rounds: see fixed_point.ts. */
export type Rounding = 'double' | 'double-up' | 'single';

/**
 * `clamp(rescale(accumulator + bias) + zero point, least, most)` in TensorFlow Lite's integers: the quantized multiplier, an
 * int32, and the shift, which is to the left where it is positive.
 */
export interface FixedPoint {
  readonly multiplier: number;
  readonly shift: number;
  readonly rounding: Rounding;
}

/**
 * The whole of a requantization: for each channel a non-decreasing function from the int32 accumulator
 * to an 8-bit value. The accumulator is sum((x - zx) * (w - zw)), the bias not included.
 */
export interface StepFunctions {
  readonly channels: number;
  /** Bounds of every function's values: the type's, or narrower where an activation clamps. */
  readonly min: number;
  readonly max: number;
  at(channel: number): (accumulator: number) => number;
  /**
   * The first and the last accumulator between which the function is non-decreasing, where that is not all of int32: beyond
   * them the engine's own integers overflow. A layer that can reach beyond is refused.
   */
  rises?(channel: number): readonly [first: number, last: number];
  /** d(output)/d(accumulator), approximately: where to look for a fixed-point form. Never trusted. */
  slope(channel: number): number;
  /** The integers of the engine, where that computes in fixed point. */
  fixed?(channel: number): FixedPoint;
  /** The function as a line of float32 values, where it is about one. Trusted of FloatLines alone, which are made of them. */
  line?(channel: number): FloatLine;
}

/** Those of a layer with weights. */
export interface LinearFunctions extends StepFunctions {
  /** Values from `first` on, in NHWC order over all images, have functions of their own. */
  readonly tail?: { readonly values: StepFunctions; readonly first: number };
}

export interface AddLayer {
  readonly a: TensorQuantization;
  readonly b: TensorQuantization;
  readonly output: TensorQuantization;
  readonly relu: boolean;
  readonly clamp?: Clamp;
  /** Is `a` one value to the engine's loop? See isFirstOneValue. */
  readonly swapped?: boolean;
  /** Of a and b, NHWC. */
  readonly shapes?: readonly [readonly number[], readonly number[]];
}

/** An element-wise function of 8-bit values, and where an engine has one, another for the end of a memory block. */
export interface ElementFunctions<F> {
  readonly body: F;
  /** `isTail(index, elements)`: does the element at this index, in NHWC memory order, use `tail`? */
  readonly tail?: F;
  readonly isTail?: (index: number, elements: number) => boolean;
}

export type AddFunctions = ElementFunctions<(a: number, b: number) => number>;
export type UnaryFunctions = ElementFunctions<(x: number) => number>;

/** A product of two 8-bit tensors, element by element. */
export interface MultiplyLayer {
  readonly a: TensorQuantization;
  readonly b: TensorQuantization;
  readonly output: TensorQuantization;
  readonly clamp?: Clamp;
}

/** An element-wise function of one 8-bit tensor. */
export interface UnaryLayer {
  /** The node's operator. */
  readonly op: string;
  readonly input: TensorQuantization;
  readonly output: TensorQuantization;
  readonly clamp?: Clamp;
  /** Of LeakyRelu the slope, of AddScalar the steps of the input's scale. */
  readonly alpha?: number;
  /** Are channels last in memory, where the file shows that? */
  readonly channelsLast?: boolean;
  /** Of Clip, real numbers. */
  readonly bounds?: readonly [least: number, most: number];
  /** Of Rescale: as of a pool. */
  readonly loop?: string;
}

/** An element-wise function of two 8-bit tensors. */
export interface BinaryLayer extends MultiplyLayer {
  /** The node's operator. */
  readonly op: string;
}

export interface SoftmaxLayer {
  readonly input: TensorQuantization;
  readonly output: TensorQuantization;
  readonly beta: number;
  /** Values of a row. */
  readonly count: number;
}

/**
 * A softmax of 8 bits. d is how far a value is below the largest of its row: `terms[d]` are added up in the order of the
 * row, in float32 with one rounding each or in int32; `output(d)` makes a value of the sum.
 */
export interface SoftmaxFunctions {
  readonly terms: Float32Array | Int32Array;
  /** Non-increasing in the sum; or, with `exponentials`, gemmlowp's reciprocal of it, times exponentials[d], both Q0.31. */
  output(d: number): (sum: number) => number;
  readonly exponentials?: Int32Array;
}

export interface AveragePoolLayer {
  readonly op: 'AveragePool' | 'AdaptiveAveragePool' | 'ReduceMean';
  readonly channels?: number;
  /** Which of its loops PyTorch runs it by, where the file shows that. */
  readonly loop?: string;
  readonly input: TensorQuantization;
  readonly output: TensorQuantization;
  readonly clamp?: Clamp;
}

/**
 * In which order the elements of a window are added, which are counted row by row: those of each line, then the lines'
 * sums. Element `along` of a line is `line * lineStep + along * step`, where there are so many.
 */
export interface SumOrder {
  readonly lines: number;
  readonly length: number;
  readonly lineStep: number;
  readonly step: number;
}

/** An average over a window: float32 values, summed with one rounding each, then one function of the sum. */
export interface AveragePoolFunctions {
  /** What one element adds: a float32. */
  value(q: number): number;
  /** Of a window of so many elements. Default: row by row. */
  order?(elements: number): SumOrder;
  /** Is a sum divided by the window's size, whatever of it lies in the padding? Default: as the file says. */
  readonly countsPads?: boolean;
  /** From the float32 sum, in which it is non-decreasing, to 8 bits; one function for each divisor. */
  output(divisor: number): (sum: number) => number;
}

export interface PoolLayer {
  /** The node's operator; without it GlobalAveragePool. An AveragePool of the whole plane is one, too. */
  readonly op?: string;
  readonly input: TensorQuantization;
  readonly output: TensorQuantization;
  /** How many elements are averaged. */
  readonly count: number;
  readonly channels?: number;
  /** Which of its loops PyTorch runs it by, where the file shows that. */
  readonly loop?: string;
  readonly clamp?: Clamp;
}

/** A ReduceMean or ReduceSum over height and width. */
export interface ReduceLayer extends PoolLayer {
  /** Are they kept as dimensions of 1? */
  readonly keepdims: boolean;
  /** Are they other axes of the file's, moved there? */
  readonly folded?: boolean;
}

export interface ReduceFunctions extends StepFunctions {
  /** Does the kernel take int8 tensors for uint8 ones, byte by byte? Then the functions are of and to uint8. */
  readonly unsigned?: boolean;
}

/** A product of two matrices: of their sums of products. */
export type MatmulLayer = Pick<MultiplyLayer, 'a' | 'b' | 'output'>;

/** A resize of which each value lies between four of the input's. */
export interface ResizeLayer {
  readonly type: 'uint8' | 'int8';
  /** Do the corners stay corners? */
  readonly aligned: boolean;
  /** Do pixels have their centers at halves? */
  readonly halfPixels: boolean;
  /** [height, width] */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

/** For each place of the output along an axis, its two neighbours in the input, and their weights. */
export interface Neighbours {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weights: readonly [Float32Array, Float32Array] | readonly [Int32Array, Int32Array];
}

/** What becomes of four values (top left, top right, bottom left, bottom right), the weights of their rows and columns. */
export type Interpolation =
  /** Integers over 2^shift, rounded. */
  | { readonly as: 'integers'; readonly shift: number; readonly half: 'up' | 'away' }
  /**
   * In float32, half up. Of each value the weights are multiplied with each other first, and values are added row by row; or
   * the value with the row's weight, and column by column. `fused`: with the weights first, sums take products unrounded.
   */
  | { readonly as: 'floats'; readonly weightsFirst: boolean; readonly fused: boolean };

/** A linear Resize as ONNX has it: of bytes, or of the float32 values that they stand for. */
export interface InterpolationLayer {
  readonly input: TensorQuantization;
  readonly output: TensorQuantization;
  /** Is it a float operator of the engine's, whose results are quantized by the next? */
  readonly float: boolean;
}

/**
 * Of four values the weights of row and column are multiplied first, and all are added row by row, each operation rounded
 * to float32; then one function of the sum.
 */
export interface InterpolationFunctions {
  /** What one element is: a float32. */
  value(q: number): number;
  /** From the float32 sum, in which it is non-decreasing, to 8 bits. */
  output(sum: number): number;
}

export interface ResizeFunctions {
  readonly rows: Neighbours;
  readonly columns: Neighbours;
  readonly interpolation: Interpolation;
}

/** Products that are added in pairs in int16, and the pairs in int32; `zx * sum(w)` is subtracted behind. */
export interface Pairs {
  /**
   * Slots 2i and 2i + 1 are a pair. A slot holds a product, by its number in the order kh, kw, c within a group, or BLANK
   * (pairs.ts) where the other stands alone. Every product has one slot.
   */
  readonly slots: Int32Array;
  /**
   * What becomes of a pair that leaves int16. 'saturates': products of raw uint8 x and int8 w are clamped (vpmaddubsw).
   * 'wraps': products of signed x, which of uint8 is x - 128, and int8 w: 2 * (-128)(-128) = 32,768 becomes -32,768.
   */
  readonly overflow: 'saturates' | 'wraps';
  /** Outside of the input, x is zx ('zero point'), or there is no product, and its weight is in no sum ('nothing'). */
  readonly outside: 'zero point' | 'nothing';
  /** Are the sum of the pairs and that of `zx * w` rounded to float32, each, before one is subtracted from the other? */
  readonly rounds?: boolean;
}

/** How products become sums: exactly in int32, or by pairs. */
export type Accumulation = 'exact' | Pairs;

/** An element-wise float32 operator; operands that are one constant value are a part of the function. */
export interface Float32Layer {
  readonly op: string;
  readonly attributes: Attributes;
  /** The operands' values behind the first, where they are constants of one element. */
  readonly constants: readonly (number | undefined)[];
}

/** An element-wise function of float32 values (Cast: of int32), every step of it rounded as IEEE 754 rounds to nearest even. */
export interface Float32Function {
  /** Of as many operands as the function has. */
  at(...operands: number[]): number;
  /** The same on a GPU: a shader of `shaders/function/` (one operand) or `shaders/operation/` (two), and what it reads. */
  readonly shader: string;
  readonly constants: readonly number[];
}

/** In which order a float32 pool sums: see Float32Order. */
export interface Float32PoolLayer {
  readonly op: string;
  readonly window: {
    readonly kernel: readonly number[];
    readonly strides: readonly number[];
    readonly pads: readonly number[];
    readonly dilations: readonly number[];
  };
  /** Of the input. */
  readonly width: number;
  readonly height: number;
  readonly opset: number;
}

/**
 * How the elements of a window are added, whose elements are counted row by row: one after the other; the rows of each
 * column first, then columns; or in four lanes, (0 + 2) + (1 + 3), and what is left over one by one.
 */
export type Float32Order = 'rows' | 'columns' | 'lanes';

/** A product of two float32 matrices, [rows, depth] and [depth, columns], as convolutions and fully connected layers are one. */
export interface Float32ProductsLayer {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** Is the second a constant of the file's? */
  readonly packed: boolean;
  /** Is the second given as [columns, depth]? */
  readonly transposed: boolean;
  /** The columns of a convolution are its output's pixels; the rows its filters, or those of a group. */
  readonly image?: Omit<Float32PoolLayer, 'op' | 'opset'> & {
    /** Of the input, in a group. */
    readonly channels: number;
  };
}

/**
 * How products are added up, in the order of the depth. 'blocks': so many from 0, and then the sums of the blocks. 'running':
 * one after the other; those of the columns behind the last multiple of four in fours, `sum + (((a + b) + c) + d)`, of each
 * block anew, where what is left over in it, and the first product of all, stand alone.
 */
export interface Float32Sum {
  readonly as: 'blocks' | 'running';
  readonly block: number;
}

/**
 * Operators that an engine computes in float32, and what makes bytes of floats by a scale that follows from them. Each step
 * is rounded to nearest even, subnormals kept.
 */
export interface Float32Operators {
  /** undefined for an operator whose arithmetic is not known. */
  element(layer: Float32Layer): Float32Function | undefined;
  average(layer: Float32PoolLayer): Float32Order;
  /** The same of a MaxPool: which of two zeros it takes depends on it. */
  maximum(layer: Float32PoolLayer): Float32Order;
  products(layer: Float32ProductsLayer): Float32Sum;
  /** Of one row; and what a shader's exponential function takes: the least difference, then see shared/exponential. */
  readonly softmax: { row(x: Float32Array): Float32Array; readonly constants: readonly number[] };
  /** The smallest and the largest value, 0 among them. */
  range(x: Float32Array): readonly [least: number, most: number];
  /** The scale of uint8 values between them. */
  scale(least: number, most: number): number;
  zeroPoint(least: number, scale: number): number;
  /** The uint8 of a value. */
  quantize(scale: number, zeroPoint: number): (x: number) => number;
}

export type Family = 'onnxruntime' | 'pytorch' | 'tflite';

/** See src/rewrite/. */
export type RewriteName = 'none' | 'onnxruntime' | 'onnxruntime-int8';

export type RecipeName = 'onnxruntime' | 'qnnpack' | 'fbgemm' | 'onednn' | 'onednnAvx2';

/** `a * b + c` in float32: rounded twice, or once where kernels are compiled for fused multiply-adds. */
export type MultiplyAdd = (a: number, b: number, c: number) => number;

/**
 * A reference engine, in exact host arithmetic. Everything else (boundaries, forms, shaders, tests)
 * is derived from these functions. Numbers that stand for float32 values are float32 values; scales are as the file stores them.
 */
export interface Engine {
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** Which runtimes it is, and on which processors. Default: none, as of a caller's own. */
  readonly origins?: readonly Origin[];
  /** Whose conventions it follows: ONNX's, PyTorch's or TensorFlow Lite's. Default: none. */
  readonly family?: Family;
  /** Which graph it makes of a model's before it runs it. Default: none. */
  readonly rewrite?: RewriteName;
  /** Such a rewrite of a caller's own. */
  fuse?(graph: Graph): Graph;
  /** `a * b + c` in float32 as its kernels compute it. Default: rounded twice. */
  readonly multiplyAdd?: MultiplyAdd;
  /** The same where its sources have a product and a sum, of which its compiler may make one. Default: rounded twice. */
  readonly contracted?: MultiplyAdd;
  /** Do its results depend on the number of threads, which is an option then? */
  readonly threaded?: boolean;
  /** Which of the known ways from accumulator to output a linear layer goes; explain tries it first. */
  readonly recipe?: RecipeName;
  linear(layer: LinearLayer): LinearFunctions;
  accumulation(layer: SumsLayer): Accumulation;
  add(layer: AddLayer): AddFunctions;
  /** A function of two bytes; left out where the engine has no such operator. */
  multiply?(layer: MultiplyLayer): (a: number, b: number) => number;
  /** Left out, or undefined, where the engine has no such operator, or none whose arithmetic is known. */
  averagePool?(layer: AveragePoolLayer): AveragePoolFunctions | undefined;
  /** Of the accumulator sum(x - zx): one function for all channels, or one each. */
  globalAveragePool(layer: PoolLayer): StepFunctions;
  /** ReduceMean and ReduceSum of such sums; left out, or undefined, where the engine has none on bytes. */
  reduce?(layer: ReduceLayer): ReduceFunctions | undefined;
  /** Of the sums of products of two computed matrices: one function for all; left out where the engine has none. */
  matmul?(layer: MatmulLayer): StepFunctions;
  /** Left out where the engine has none on bytes. */
  resize?(layer: ResizeLayer): ResizeFunctions;
  /** Left out where its order of evaluation is not known. */
  readonly interpolate?: ((layer: InterpolationLayer) => InterpolationFunctions) | undefined;
  /** Left out, or undefined for an operator, where the engine has none on bytes. */
  unary?(layer: UnaryLayer): UnaryFunctions | undefined;
  binary?(layer: BinaryLayer): ((a: number, b: number) => number) | undefined;
  softmax?(layer: SoftmaxLayer): SoftmaxFunctions;
  /** Non-decreasing in x; x is a float32, infinities included, never NaN. */
  quantize(output: TensorQuantization): (x: number) => number;
  dequantize(input: TensorQuantization): (q: number) => number;
  /** Left out where the engine's order of evaluation is not known. */
  readonly float32?: Float32Operators | undefined;
  /** Both for what vector instructions leave over, where that is computed otherwise. */
  readonly tails?: Pick<Engine, 'quantize' | 'dequantize'> & Pick<Required<UnaryFunctions>, 'isTail'>;
}
