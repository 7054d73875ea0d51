import { describe } from '../pickle.ts';
import { ANY } from '../tensor_reader.ts';
import type { Call } from './call.ts';
import type { OwnConstant } from './draft.ts';
import { channelsOf, clampAtZero, LANES, like, memoryOf, type Handler } from './activations.ts';
import { Activation, PackedParameters, type MemoryFormat } from './values.ts';

const QUINT8 = 13;

export const quantize: Handler = (call) => {
  const x = call.tensor();
  if (x.quantization) return call.refuse(describe(x), 'float32 tensors');
  if (call.number(3) !== QUINT8) return call.refuse(`type ${call.number(3)}`, `quint8 (${QUINT8})`);
  return call.node('QuantizeLinear', [x], like(x, { quantization: call.quantization(1) }));
};

export const dequantize: Handler = (call) => {
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

export const conv =
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

export const linear =
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

export const add =
  (relu: boolean): Handler =>
  (call) => {
    const [a, b] = [call.bytes(0), call.bytes(1)];
    const attributes = { relu: Number(relu), ...memoryOf(call, a, b) };
    return call.node('Add', [a, b], like(largerOf(a, b), { quantization: call.quantization(2) }), attributes);
  };

export const multiply =
  (relu: boolean): Handler =>
  (call) => {
    const [a, b] = [call.bytes(0), call.bytes(1)];
    const quantization = call.quantization(2);
    return call.node('Mul', [a, b], like(largerOf(a, b), { quantization }), relu ? clampAtZero(quantization) : {});
  };

export const concat =
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

export const conv2dPack: Handler = (call) => {
  const [stride, padding, dilation] = [2, 3, 4].map((index) => call.pair(index));
  return new PackedParameters(call.arg(0), call.arg(1), [stride!, padding!, dilation!, [call.number(5)]]);
};

export const linearPack: Handler = (call) => new PackedParameters(call.arg(0), call.arg(1));
