import type { Attributes, Quantization } from '../../../graph/graph.ts';
import { describe, type PickleValue } from '../pickle.ts';
import { ANY } from '../tensor_reader.ts';
import type { Call } from './call.ts';
import type { OwnConstant } from './draft.ts';
import { Activation, Length, PackedParameters, type MemoryFormat } from './values.ts';

type Handler = (call: Call) => PickleValue;

const QUINT8 = 13;

/** Of what has the quantization and the shape of `x`, unless told otherwise. */
const like = (
  x: Activation,
  { dims = x.dims, quantization = x.quantization, format = x.format }: Partial<Activation> = {},
): Activation => new Activation(dims, quantization, format);

const integers = (suffix: string, values: readonly number[]): OwnConstant => ({
  suffix,
  type: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Where the order of elements in memory shows in the bits, it is channels_last; of one pixel both are the same. */
function expectChannelsLast(call: Call, ...tensors: readonly Activation[]): void {
  for (const { dims, format } of tensors)
    if (format !== 'channels_last' && dims.length > 2 && !(dims[2] === 1 && dims[3] === 1))
      call.refuse(`a tensor in memory format ${format}`, 'channels_last, which convolutions and pools give');
}

const quantize: Handler = (call) => {
  const x = call.tensor();
  if (x.quantization) return call.refuse(describe(x), 'float32 tensors');
  if (call.number(3) !== QUINT8) return call.refuse(`type ${call.number(3)}`, `quint8 (${QUINT8})`);
  return call.node('QuantizeLinear', [x], like(x, { quantization: call.quantization(1) }));
};

const dequantize: Handler = (call) => {
  const x = call.bytes();
  return call.node('DequantizeLinear', [x], new Activation(x.dims, undefined, x.format));
};

function parametersOf(call: Call): PackedParameters {
  const value = call.arg(1);
  return value instanceof PackedParameters ? value : call.refuse(describe(value), 'packed parameters');
}

function weightsOf(call: Call, { weight, bias }: PackedParameters, shape: readonly (number | typeof ANY)[]) {
  const read = call.tensors.weight(`${call.label}: weight`, weight, shape);
  const [channels] = read.shape as [number];
  const floats =
    bias === null ? new Float32Array(channels) : call.tensors.floats(`${call.label}: bias`, bias, channels);
  const operands: OwnConstant[] = [
    { suffix: 'weight', type: 'int8', ...read },
    { suffix: 'bias', type: 'float32', shape: [channels], data: floats },
  ];
  return { operands, shape: read.shape };
}

const conv =
  (relu: boolean): Handler =>
  (call) => {
    const x = call.bytes();
    const parameters = parametersOf(call);
    const [stride, padding, dilation, groups] = parameters.window ?? call.refuse(describe(parameters), 'a convolution');
    const { operands, shape } = weightsOf(call, parameters, [ANY, ANY, ANY, ANY]);
    const [channels, perGroup, ...kernel] = shape as [number, number, number, number];
    const [strides, pads, dilations] = [stride, padding, dilation].map((pair) => call.asPair([...(pair ?? [])]));
    const [group] = groups as [number];
    call.draft.inputChannels ??= perGroup * group;
    const y = new Activation([x.dims[0], channels, undefined, undefined], call.quantization(2), 'channels_last');
    return call.node('Conv', [x, ...operands], y, {
      kernel_shape: kernel,
      strides: strides!,
      pads: [...pads!, ...pads!],
      dilations: dilations!,
      group,
      relu: Number(relu),
    });
  };

const linear =
  (relu: boolean): Handler =>
  (call) => {
    const x = call.bytes();
    const parameters = parametersOf(call);
    if (x.dims.length !== 2 || parameters.window) return call.refuse(describe(x), 'a matrix, and a linear layer');
    const { operands, shape } = weightsOf(call, parameters, [ANY, ANY]);
    const y = new Activation([x.dims[0], shape[0]], call.quantization(2), 'contiguous');
    return call.node('Gemm', [x, ...operands], y, { transB: 1, relu: Number(relu) });
  };

/** The larger of two that are broadcast. */
const largerOf = (a: Activation, b: Activation): Activation => (b.dims.slice(2).every((d) => d === 1) ? a : b);

const clampAtZero = ({ zeroPoint }: Quantization): Attributes => ({ clamp: [zeroPoint[0]!, 255] });

const add =
  (relu: boolean): Handler =>
  (call) => {
    const [a, b] = [call.bytes(0), call.bytes(1)];
    expectChannelsLast(call, a, b);
    return call.node('Add', [a, b], like(largerOf(a, b), { quantization: call.quantization(2) }), {
      relu: Number(relu),
    });
  };

const multiply =
  (relu: boolean): Handler =>
  (call) => {
    const [a, b] = [call.bytes(0), call.bytes(1)];
    const quantization = call.quantization(2);
    return call.node('Mul', [a, b], like(largerOf(a, b), { quantization }), relu ? clampAtZero(quantization) : {});
  };

/** Channels that vector instructions take at a time. */
const LANES = 8;

/** A part of a tensor's channels. */
function channelsOf(call: Call, x: Activation, from: number, to: number): Activation {
  const dims = x.dims.map((d, axis) => (axis === 1 ? to - from : d));
  const operands = [integers('starts', [from]), integers('ends', [to]), integers('axes', [1])];
  return call.node('Slice', [x, ...operands], like(x, { dims, format: 'other' }), {}, `.from${from}`);
}

const concat =
  (relu: boolean): Handler =>
  (call) => {
    const list = call.arg(0);
    const tensors = (Array.isArray(list) ? list : []).map((value) => call.expectBytes(value));
    if (tensors.length === 0) return call.refuse(describe(list), 'a list of tensors');
    const axis = call.axis(1, tensors[0]!);
    const quantization = call.quantization(2);
    const clamp = relu ? clampAtZero(quantization) : {};
    const rescaled = (x: Activation, loop: 'vector' | 'scalar' | 'plain'): Activation =>
      call.node('Rescale', [x], like(x, { quantization }), { ...clamp, loop }, '.rescaled');
    const isFast = axis === 1 && tensors.every(({ dims, format }) => dims.length === 4 && format === 'channels_last');
    const parts = tensors.flatMap((x) => {
      if (!isFast) return [rescaled(x, 'plain')];
      const channels = x.dims[1] ?? call.refuse(describe(x), 'tensors whose channels follow from weights');
      const whole = channels - (channels % LANES);
      if (whole === channels) return [rescaled(x, 'vector')];
      const rest = rescaled(channelsOf(call, x, whole, channels), 'scalar');
      return whole === 0 ? [rest] : [rescaled(channelsOf(call, x, 0, whole), 'vector'), rest];
    });
    const lengths = tensors.map(({ dims }) => dims[axis]);
    const length = lengths.some((d) => d === undefined) ? undefined : lengths.reduce((sum, d) => sum! + d!, 0);
    const dims = tensors[0]!.dims.map((d, i) => (i === axis ? length : d));
    const format: MemoryFormat = isFast ? 'channels_last' : 'contiguous';
    return call.node('Concat', parts, new Activation(dims, quantization, format), { axis });
  };

/** An element-wise function with an output quantization of its own: arguments from `index` on, or the one given. */
const unary =
  (op: string, quantization: number | Quantization, attributes: (call: Call) => Attributes = () => ({})): Handler =>
  (call) => {
    const x = call.bytes();
    expectChannelsLast(call, x);
    const own = typeof quantization === 'number' ? call.quantization(quantization) : quantization;
    return call.node(op, [x], like(x, { quantization: own }), attributes(call));
  };

/** Of what lies between 0 and 1. */
const FRACTION: Quantization = { scale: Float64Array.of(1 / 256), zeroPoint: Int32Array.of(0) };

const relu: Handler = (call) => {
  const x = call.bytes();
  return call.node('Relu', [x], like(x), clampAtZero(x.quantization));
};

const window = (call: Call, dilation?: number): Attributes => {
  const kernel = call.pair(1);
  const pads = call.pair(3, [0, 0]);
  return {
    kernel_shape: kernel,
    strides: call.pair(2, kernel),
    pads: [...pads, ...pads],
    ...(dilation !== undefined && { dilations: call.pair(dilation, [1, 1]) }),
  };
};

/** Of a plane: height and width are left open. */
const pooled = (x: Activation, format = x.format): Activation =>
  like(x, { dims: [x.dims[0], x.dims[1], undefined, undefined], format });

const maxPool: Handler = (call) => {
  const x = call.bytes();
  return call.node('MaxPool', [x], pooled(x), { ...window(call, 4), ceil_mode: Number(call.flag(5)) });
};

/**
 * Averages of a tensor's channels, which PyTorch's own kernels compute by vectors, and those that these leave over otherwise.
 *
 * @param whole channels that vectors take, of so many
 */
function inParts(
  call: Call,
  x: Activation,
  whole: (channels: number) => number,
  average: (part: Activation, loop: 'vector' | 'scalar', suffix: string) => Activation,
): Activation {
  const channels = x.dims[1] ?? call.refuse(describe(x), 'tensors whose channels follow from weights');
  const end = whole(channels);
  if (end === channels) return average(x, 'vector', '');
  if (end === 0) return average(x, 'scalar', '');
  const parts = [
    average(channelsOf(call, x, 0, end), 'vector', '.vector'),
    average(channelsOf(call, x, end, channels), 'scalar', '.scalar'),
  ];
  const [first] = parts as [Activation];
  const dims = first.dims.map((d, axis) => (axis === 1 ? channels : d));
  return call.node('Concat', parts, like(first, { dims, format: x.format }), { axis: 1 });
}

const averagePool: Handler = (call) => {
  const x = call.bytes();
  expectChannelsLast(call, x);
  const attributes = window(call);
  const isPadded = (attributes['pads'] as number[]).some(Boolean);
  const includes = call.arg(5) ?? true;
  if (call.flag(4) || call.arg(6) !== null) call.refuse('ceil_mode or a divisor', 'neither');
  if (isPadded && includes !== true) call.refuse('count_include_pad=False', 'True where there is padding');
  return inParts(
    call,
    x,
    (channels) => channels - (channels % LANES),
    (part, loop, suffix) =>
      call.node('AveragePool', [part], pooled(part), { ...attributes, count_include_pad: 1, loop }, suffix),
  );
};

const globalAveragePool: Handler = (call) => {
  const x = call.bytes();
  expectChannelsLast(call, x);
  const size = call.pair(1);
  if (size.join() !== '1,1') return call.refuse(`an output of [${size.join(', ')}]`, '[1, 1]');
  return call.node('GlobalAveragePool', [x], like(x, { dims: [x.dims[0], x.dims[1], 1, 1] }));
};

const mean: Handler = (call) => {
  const x = call.bytes();
  const axes = call.arg(1);
  const isPlane =
    Array.isArray(axes) && x.dims.length === 4 && axes.map((axis) => (Number(axis) + 4) % 4).join() === '2,3';
  if (!isPlane) return call.refuse(`a mean over ${describe(axes)}`, 'dimensions 2 and 3 of four');
  const keeps = call.flag(2);
  const pixel = keeps ? [1, 1] : [];
  const average = (part: Activation, loop: 'vector' | 'scalar' | 'plain', suffix: string): Activation =>
    call.node(
      'ReduceMean',
      [part],
      like(part, { dims: [part.dims[0], part.dims[1], ...pixel], format: keeps ? x.format : 'contiguous' }),
      { axes: [2, 3], keepdims: Number(keeps), loop },
      suffix,
    );
  if (x.format === 'contiguous') return average(x, 'plain', '');
  expectChannelsLast(call, x);
  return inParts(call, x, summedByVectors, average);
};

/** Channels whose float32 sums PyTorch takes by four vectors at a time, or four by four where there is not one. */
const summedByVectors = (channels: number): number => channels - (channels % (channels < LANES ? 4 : 4 * LANES));

const flatten: Handler = (call) => {
  const x = call.tensor();
  const [from, to] = [call.axis(1, x, 0), call.axis(2, x, -1)];
  if (from !== 1 || to !== x.dims.length - 1) return call.refuse(`from ${from} to ${to}`, 'from 1 to the last');
  const rest = x.dims.slice(1);
  const length = rest.some((d) => d === undefined) ? undefined : rest.reduce((product, d) => product! * d!, 1);
  return call.node('Flatten', [x], like(x, { dims: [x.dims[0], length], format: 'contiguous' }), { axis: 1 });
};

const reshape: Handler = (call) => {
  const x = call.tensor();
  const target = call.arg(1);
  if (!Array.isArray(target)) return call.refuse(`shape ${describe(target)}`, 'a list of lengths');
  const lengthOf = (d: PickleValue): number | undefined => {
    if (d instanceof Length) return undefined;
    const length = call.asNumber(d);
    return length < 0 ? undefined : length;
  };
  const y = like(x, { dims: target.map(lengthOf), format: 'contiguous' });
  const isKnown = !target.some((d) => d instanceof Length);
  const known = (): number[] => target.map((d) => call.asNumber(d));
  if (isKnown) return call.node('Reshape', [x, integers('shape', known())], y);
  const none = (rank: number): Activation => new Activation([rank], undefined, 'contiguous');
  const parts = target.map((d, i) =>
    d instanceof Length
      ? call.node('Shape', [d.of], none(1), { start: d.axis, end: d.axis + 1 }, '.length')
      : integers(`length.${i}`, [call.asNumber(d)]),
  );
  const shape = call.node('Concat', parts, none(target.length), { axis: 0 }, '.shape');
  return call.node('Reshape', [x, shape], y);
};

function permuted(call: Call, x: Activation, perm: readonly number[]): Activation {
  return call.node('Transpose', [x], like(x, { dims: perm.map((axis) => x.dims[axis]), format: 'other' }), { perm });
}

const transpose: Handler = (call) => {
  const x = call.tensor();
  const [a, b] = [call.axis(1, x), call.axis(2, x)];
  return permuted(
    call,
    x,
    x.dims.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
};

const permute: Handler = (call) => {
  const x = call.tensor();
  const order = call.arg(1);
  if (!Array.isArray(order) || order.length !== x.dims.length) return call.refuse(describe(order), 'all dimensions');
  return permuted(
    call,
    x,
    order.map((axis) => (call.asNumber(axis) + order.length) % order.length),
  );
};

/** Equal parts of the channels. */
const chunk: Handler = (call) => {
  const x = call.bytes();
  const [count, channels] = [call.number(1), x.dims[1]];
  if (call.axis(2, x, 0) !== 1 || !channels || !(count >= 1) || channels % count !== 0)
    return call.refuse(`${count} parts of ${describe(x)}`, 'equal parts of channels');
  const length = channels / count;
  return Array.from({ length: count }, (_, i) => channelsOf(call, x, i * length, (i + 1) * length));
};

const same: Handler = (call) => call.arg(0);

/** The same values, otherwise in memory. */
const identity = (call: Call, format: MemoryFormat): Activation =>
  call.node('Identity', [call.tensor()], like(call.tensor(), { format }));

/** Not while the network is used. */
const dropout: Handler = (call) => {
  if (call.flag(2)) return call.refuse('training', 'model.eval()');
  return call.tensor();
};

const size: Handler = (call) => {
  const x = call.tensor();
  const lengths = x.dims.map((d, axis) => d ?? new Length(x, axis));
  return call.arg(1) === null ? lengths : lengths[call.axis(1, x)]!;
};

const arithmetic =
  (compute: (a: number, b: number) => number | boolean): Handler =>
  (call) =>
    compute(call.number(0), call.number(1));

const isEqual: Handler = (call) => {
  const [a, b] = [call.arg(0), call.arg(1)];
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  return call.number(0) === call.number(1);
};

const isSame: Handler = (call) => call.arg(0) === call.arg(1);

const length: Handler = (call) => {
  const list = call.arg(0);
  return Array.isArray(list) ? list.length : call.refuse(describe(list), 'lists');
};

const not =
  (handler: Handler): Handler =>
  (call) =>
    handler(call) !== true;

const raise: Handler = (call) => call.refuse(`the network's own error ${describe(call.arg(0))}`, 'what it takes');

const conv2dPack: Handler = (call) => {
  const [stride, padding, dilation] = [2, 3, 4].map((index) => call.pair(index));
  return new PackedParameters(call.arg(0), call.arg(1), [stride!, padding!, dilation!, [call.number(5)]]);
};

const linearPack: Handler = (call) => new PackedParameters(call.arg(0), call.arg(1));

/** All that a quantized network's code may call. */
export const OPERATORS: Readonly<Record<string, Handler>> = {
  'torch.quantize_per_tensor': quantize,
  'torch.dequantize': dequantize,
  'ops.quantized.conv2d': conv(false),
  'ops.quantized.conv2d_relu': conv(true),
  'ops.quantized.linear': linear(false),
  'ops.quantized.linear_relu': linear(true),
  'ops.quantized.add': add(false),
  'ops.quantized.add_relu': add(true),
  'ops.quantized.mul': multiply(false),
  'ops.quantized.mul_relu': multiply(true),
  'ops.quantized.cat': concat(false),
  'ops.quantized.cat_relu': concat(true),
  'ops.quantized.hardswish': unary('HardSwish', 1),
  'ops.quantized.leaky_relu': unary('LeakyRelu', 3, (call) => ({ alpha: call.number(1) })),
  'torch.hardsigmoid': unary('HardSigmoid', FRACTION),
  'torch.sigmoid': unary('Sigmoid', FRACTION),
  'torch.relu': relu,
  'torch.relu_': relu,
  'torch.max_pool2d': maxPool,
  'torch.avg_pool2d': averagePool,
  'torch.adaptive_avg_pool2d': globalAveragePool,
  'torch.mean': mean,
  'torch.flatten': flatten,
  'torch.reshape': reshape,
  'torch.view': reshape,
  'torch.transpose': transpose,
  'torch.permute': permute,
  'torch.contiguous': (call) => identity(call, 'contiguous'),
  'torch.chunk': chunk,
  'torch.dropout': dropout,
  'torch.size': size,
  'torch.dim': (call) => call.tensor().dims.length,
  'torch.len': length,
  'torch.eq': isEqual,
  'torch.ne': not(isEqual),
  'torch.lt': arithmetic((a, b) => a < b),
  'torch.gt': arithmetic((a, b) => a > b),
  'torch.le': arithmetic((a, b) => a <= b),
  'torch.ge': arithmetic((a, b) => a >= b),
  'torch.add': arithmetic((a, b) => a + b),
  'torch.sub': arithmetic((a, b) => a - b),
  'torch.mul': arithmetic((a, b) => a * b),
  'torch.floordiv': arithmetic((a, b) => Math.floor(a / b)),
  'torch.floor_divide': arithmetic((a, b) => Math.floor(a / b)),
  'torch.__is__': isSame,
  'torch.__isnot__': not(isSame),
  'torch.__not__': not(same),
  'ops.prim.NumToTensor': same,
  'ops.prim.RaiseException': raise,
  'torch.warn': () => null,
  'ops.quantized.conv2d_prepack': conv2dPack,
  'ops.quantized.linear_prepack': linearPack,
  int: same,
  float: same,
};
