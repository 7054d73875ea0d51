import { InvalidModelError, UnsupportedModelError } from '../errors.ts';
import { byteRange, isByteType, type ElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import type { AccumulatorRange } from '../requantize/boundaries.ts';
import type { LinearLayer } from '../semantics/semantics.ts';
import { extent, groupCount, type Extent } from './layout.ts';
import { label, refuse, tensorQuantization, type OpContext, type ReferenceResult } from './op.ts';
import { outputStage, signMask } from './requantization.ts';
import type { Step } from './step.ts';

/** A convolution; a fully connected layer is one of 1 by 1 pixels. */
export interface Linear {
  readonly layer: LinearLayer;
  readonly input: Extent;
  readonly output: Extent;
  /** Raw weights, [output channel][input channel of the group][ky][kx]. */
  readonly weights: ArrayLike<number>;
  readonly weightSigned: boolean;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** Checks operands that convolutions and fully connected layers share, and gathers them. */
export function linearLayer(
  node: GraphNode,
  context: OpContext,
  shape: Pick<LinearLayer, 'op' | 'groups' | 'kernel' | 'pads' | 'inputChannels' | 'outputChannels'>,
): LinearLayer {
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  const output = tensorQuantization(node, context.info(node.outputs[0]!));
  const weight = weightsOf(node, context);
  const { scale, zeroPoint } = weight.quantization;
  if (scale.length !== 1 && scale.length !== shape.outputChannels)
    throw new InvalidModelError(
      `${label(node)}: ${scale.length} weight scales for ${shape.outputChannels} output channels`,
    );
  const biasName = node.inputs[2];
  const bias = biasName ? context.constant(biasName) : undefined;
  if (biasName && !bias) refuse(node, `bias '${biasName}' is computed`, 'constant biases');
  if (bias && !(bias.data instanceof Int32Array || bias.data instanceof Float32Array))
    refuse(node, `bias '${bias.name}' is ${bias.type}`, 'int32, float32');
  if (bias && bias.data.length !== shape.outputChannels)
    throw new InvalidModelError(
      `${label(node)}: ${bias.data.length} bias values for ${shape.outputChannels} output channels`,
    );
  return {
    ...shape,
    input,
    output,
    weightScale: scale,
    weightZeroPoint: zeroPoint,
    ...(bias ? { bias: bias.data as Int32Array | Float32Array } : {}),
    relu: node.attributes['relu'] === 1,
  };
}

export function weightsOf(node: GraphNode, context: OpContext) {
  const name = node.inputs[1] ?? '';
  const weight = context.constant(name);
  if (!weight) return refuse(node, `weights '${name}' are computed`, 'constant weights');
  if (!isByteType(weight.type)) return refuse(node, `weights '${name}' are ${weight.type}`, 'uint8, int8');
  if (!weight.quantization)
    throw new InvalidModelError(`${label(node)}: nothing says how weights '${name}' are quantized`);
  return { ...weight, type: weight.type, quantization: weight.quantization };
}

/** The 8-bit input of a linear layer; in float32 there is no integer arithmetic to be exact about. */
export function expectByteInput(node: GraphNode, info: TensorInfo): void {
  if (!isByteType(info.type))
    refuse(node, `input '${info.name}' is ${info.type}: the engine runs this operator in float`, 'uint8, int8 inputs');
}

const weightZero = (layer: LinearLayer, channel: number): number =>
  layer.weightZeroPoint[layer.weightZeroPoint.length === 1 ? 0 : channel]!;

const weightsPerChannel = ({ layer }: Linear): number =>
  (layer.inputChannels / layer.groups) * layer.kernel[0] * layer.kernel[1];

/**
 * The accumulators a channel can reach: for each weight the smallest and the largest product.
 * Padding adds nothing, and zx is among the inputs, so it is covered.
 *
 * @throws UnsupportedModelError where accumulator and bias leave int32
 */
export function reachable(node: GraphNode, linear: Linear): AccumulatorRange {
  const { layer, weights } = linear;
  const [min, max] = byteRange(layer.input.type);
  const least = min - layer.input.zeroPoint;
  const most = max - layer.input.zeroPoint;
  const count = weightsPerChannel(linear);
  const lo = new Float64Array(layer.outputChannels);
  const hi = new Float64Array(layer.outputChannels);
  for (let o = 0; o < layer.outputChannels; o++) {
    const zero = weightZero(layer, o);
    let [low, high] = [0, 0];
    for (let k = o * count; k < (o + 1) * count; k++) {
      const w = weights[k]! - zero;
      low += Math.min(least * w, most * w);
      high += Math.max(least * w, most * w);
    }
    lo[o] = low;
    hi[o] = high;
    const bias = layer.bias instanceof Int32Array ? layer.bias[o]! : 0;
    // one below the largest int32, which the boundary tables use for "never"
    for (const extra of [0, bias])
      if (low + extra < -0x80000000 || high + extra > 0x7ffffffe)
        throw new UnsupportedModelError(
          `${label(node)}: the accumulator of channel ${o} can reach ${low + extra} to ${high + extra}, which leaves int32`,
        );
  }
  return { lo, hi };
}

/** The input signed for dot4I8Packed (u8 bytes with their top bit flipped), and the weights likewise. */
function signedZeroPoint(type: 'uint8' | 'int8', zeroPoint: number): number {
  return type === 'uint8' ? zeroPoint - 128 : zeroPoint;
}

const repeatByte = (byte: number): number => ((byte & 0xff) * 0x01010101) >>> 0;

/**
 * Weights for the dot product of words: [ky][kx][word of the group's input channels][group of 4 outputs][lane],
 * four input channels a word. Lanes of channels that do not exist hold the zero point, and so add nothing.
 */
function packDotWeights(linear: Linear): Uint32Array {
  const { layer, weights, output } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const words = Math.ceil(perGroup / 4);
  const taps = layer.kernel[0] * layer.kernel[1];
  const flip = linear.weightSigned ? 0 : 128;
  const packed = new Uint32Array(taps * words * output.groups * 4);
  const bytes = new Uint8Array(packed.buffer);
  for (let o = 0; o < output.groups * 4; o++) {
    const zero = o < layer.outputChannels ? weightZero(layer, o) : 0;
    for (let tap = 0; tap < taps; tap++)
      for (let c = 0; c < words * 4; c++) {
        const exists = o < layer.outputChannels && c < perGroup;
        const w = exists ? weights[(o * perGroup + c) * taps + tap]! : zero;
        bytes[(((tap * words + (c >> 2)) * output.groups + (o >> 2)) * 4 + (o & 3)) * 4 + (c & 3)] = w ^ flip;
      }
  }
  return packed;
}

/**
 * What turns sum(x' * w') of signed bytes into sum((x - zx) * (w - zw)): for each group of 4 channels
 * [-zx' * sum(w') + k * zx' * zw'] and [zw'], the latter to be multiplied with sum(x').
 */
function dotCorrections(linear: Linear): { corrections: Int32Array; weightZero: boolean } {
  const { layer, output, weights } = linear;
  const corrections = new Int32Array(output.groups * 8);
  const zx = signedZeroPoint(layer.input.type, layer.input.zeroPoint);
  const perGroup = layer.inputChannels / layer.groups;
  const taps = layer.kernel[0] * layer.kernel[1];
  const count = perGroup * taps;
  const padded = Math.ceil(perGroup / 4) * 4 * taps;
  let anyZero = false;
  for (let o = 0; o < layer.outputChannels; o++) {
    const zw = signedZeroPoint(linear.weightSigned ? 'int8' : 'uint8', weightZero(layer, o));
    let sum = (padded - count) * zw;
    for (let k = o * count; k < (o + 1) * count; k++)
      sum += signedZeroPoint(linear.weightSigned ? 'int8' : 'uint8', weights[k]!);
    const at = (o >> 2) * 8 + (o & 3);
    corrections[at] = -zx * sum + padded * zx * zw;
    corrections[at + 4] = zw;
    anyZero ||= zw !== 0;
  }
  return { corrections, weightZero: anyZero };
}

/** Weights minus their zero points as int32, [tap][channel padded to 4]: for depthwise kernels. */
function packDepthwiseWeights({ layer, weights, output }: Linear): Int32Array {
  const taps = layer.kernel[0] * layer.kernel[1];
  const packed = new Int32Array(taps * output.groups * 4);
  for (let o = 0; o < layer.outputChannels; o++)
    for (let tap = 0; tap < taps; tap++)
      packed[tap * output.groups * 4 + o] = weights[o * taps + tap]! - weightZero(layer, o);
  return packed;
}

/** Weights minus their zero points as int32, [output channel][tap][input channel of the group]. */
function packGroupedWeights(linear: Linear): Int32Array {
  const { layer, weights } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const taps = layer.kernel[0] * layer.kernel[1];
  const packed = new Int32Array(layer.outputChannels * taps * perGroup);
  for (let o = 0; o < layer.outputChannels; o++)
    for (let c = 0; c < perGroup; c++)
      for (let tap = 0; tap < taps; tap++)
        packed[(o * taps + tap) * perGroup + c] = weights[(o * perGroup + c) * taps + tap]! - weightZero(layer, o);
  return packed;
}

/**
 * The output channels in which some input makes a pair of raw products leave int16: only there does an
 * engine that saturates pairs differ from exact accumulation. The pairs are neighbours in the order ky, kx, c.
 */
function saturatingChannels(node: GraphNode, context: OpContext, linear: Linear): number {
  const { layer } = linear;
  if (context.semantics.accumulation(layer) === 'exact') return 0;
  if (layer.input.type !== 'uint8' || !linear.weightSigned || layer.weightZeroPoint.some((z) => z !== 0))
    return refuse(
      node,
      `semantics '${context.semantics.name}' saturates pairs of products here`,
      'uint8 inputs and int8 weights with zero point 0 for it',
    );
  let channels = 0;
  for (let o = 0; o < layer.outputChannels; o++) {
    const w = rawWeights(linear, o);
    const overflows = (k: number): boolean => {
      const pair = [w[k]!, w[k + 1] ?? 0];
      const most = 255 * pair.reduce((sum, v) => sum + Math.max(v, 0), 0);
      const least = 255 * pair.reduce((sum, v) => sum + Math.min(v, 0), 0);
      return most > 32767 || least < -32768;
    };
    for (let k = 0; k < w.length; k += 2)
      if (overflows(k)) {
        channels++;
        break;
      }
  }
  return channels;
}

/** One output channel's raw weights in the order ky, kx, c. */
function rawWeights(linear: Linear, o: number): Int32Array {
  const perGroup = linear.layer.inputChannels / linear.layer.groups;
  const taps = linear.layer.kernel[0] * linear.layer.kernel[1];
  return Int32Array.from(
    { length: taps * perGroup },
    (_, k) => linear.weights[(o * perGroup + (k % perGroup)) * taps + Math.floor(k / perGroup)]!,
  );
}

/** For conv_pairs: weights [ky, kx, c][output padded to 4], and -zx * sum(w) a channel. */
function packPairs(linear: Linear): { weights: Int32Array; corrections: Int32Array } {
  const { layer, output } = linear;
  const stride = output.groups * 4;
  const weights = new Int32Array(weightsPerChannel(linear) * stride);
  const corrections = new Int32Array(stride);
  for (let o = 0; o < layer.outputChannels; o++)
    for (const [k, w] of rawWeights(linear, o).entries()) {
      weights[k * stride + o] = w;
      corrections[o]! -= layer.input.zeroPoint * w;
    }
  return { weights, corrections };
}

/** Pixels (pointwise, convolution) or columns (depthwise) that one thread computes. */
const TILE = 4;

function chooseKernel({ layer, strides, input, output }: Linear): string {
  const [kh, kw] = layer.kernel;
  const perGroup = layer.inputChannels / layer.groups;
  if (layer.groups > 1 && perGroup === 1 && layer.outputChannels === layer.inputChannels) return 'depthwise';
  const grouped = layer.groups > 1;
  if (grouped && (perGroup % 4 !== 0 || (layer.outputChannels / layer.groups) % 4 !== 0)) return 'conv_grouped';
  const samePixels = input.height === output.height && input.width === output.width;
  const isPointwise = kh === 1 && kw === 1 && strides.every((s) => s === 1) && samePixels && !grouped;
  return isPointwise ? 'pointwise' : 'conv';
}

export function lowerLinear(node: GraphNode, context: OpContext, linear: Linear): Step {
  const { layer, input, output, strides, dilations } = linear;
  const saturating = saturatingChannels(node, context, linear);
  const stage = outputStage(context.semantics.linear(layer), reachable(node, linear), layer.output);
  const kernel = saturating > 0 ? 'conv_pairs' : chooseKernel(linear);
  const perGroup = layer.inputChannels / layer.groups;
  const pixels = output.batch * output.height * output.width;
  const window = {
    in_height: input.height,
    in_width: input.width,
    in_groups: input.groups,
    out_height: output.height,
    out_width: output.width,
    out_groups: output.groups,
    kernel_height: layer.kernel[0],
    kernel_width: layer.kernel[1],
    stride_y: strides[0],
    stride_x: strides[1],
    dilation_y: dilations[0],
    dilation_x: dilations[1],
    pad_top: layer.pads[0],
    pad_left: layer.pads[1],
  };
  const step = {
    node: node.name,
    op: node.op,
    kernel,
    output: node.outputs[0]!,
    parameters: stage.parameters,
    proof: stage.proof,
    macs: pixels * layer.outputChannels * weightsPerChannel(linear),
    accumulates: true,
  };
  const x = { tensor: node.inputs[0]! };
  const codes = {
    input_sign: signMask(layer.input.type),
    input_zero: layer.input.zeroPoint - byteRange(layer.input.type)[0],
  };

  if (kernel === 'conv_pairs') {
    const { weights, corrections } = packPairs(linear);
    const oneGroup = layer.groups === 1;
    const isDepthwise = !oneGroup && perGroup === 1 && layer.outputChannels === layer.inputChannels;
    return {
      ...step,
      saturatingChannels: saturating,
      links: stage.links,
      operands: [x, { data: weights }, { data: corrections }],
      geometry: {
        ...window,
        pixels,
        in_per_group: perGroup,
        out_per_group: layer.outputChannels / layer.groups,
        input_zero: layer.input.zeroPoint,
      },
      overrides: { ...stage.overrides, ONE_GROUP: Number(oneGroup), DEPTHWISE: Number(isDepthwise) },
      threads: pixels * output.groups,
    };
  }
  if (kernel === 'depthwise')
    return {
      ...step,
      links: stage.links,
      operands: [x, { data: packDepthwiseWeights(linear) }],
      geometry: { ...window, batch: output.batch, ...codes },
      overrides: stage.overrides,
      threads: output.batch * output.height * Math.ceil(output.width / TILE) * output.groups,
    };
  if (kernel === 'conv_grouped')
    return {
      ...step,
      links: stage.links,
      operands: [x, { data: packGroupedWeights(linear) }],
      geometry: {
        ...window,
        pixels,
        out_channels: layer.outputChannels,
        in_per_group: perGroup,
        out_per_group: layer.outputChannels / layer.groups,
        ...codes,
      },
      overrides: stage.overrides,
      threads: pixels * output.groups,
    };
  const { corrections, weightZero: hasWeightZero } = dotCorrections(linear);
  // bytes become signed for dot4I8Packed
  const signed = {
    input_flip: layer.input.type === 'uint8' ? 0x80808080 : 0,
    padding: repeatByte(signedZeroPoint(layer.input.type, layer.input.zeroPoint)),
  };
  const dot = context.packedDot ? 'shared/dot_packed' : 'shared/dot_unpacked';
  return {
    ...step,
    links: [...stage.links, dot],
    operands: [x, { data: packDotWeights(linear) }, { data: corrections }],
    geometry:
      kernel === 'pointwise'
        ? { pixels, in_groups: input.groups, out_groups: output.groups, input_flip: signed.input_flip }
        : {
            ...window,
            pixels,
            in_group_words: Math.ceil(perGroup / 4),
            out_group_words: layer.groups === 1 ? output.groups : layer.outputChannels / layer.groups / 4,
            ...signed,
          },
    overrides: { ...stage.overrides, HAS_WEIGHT_ZERO: Number(hasWeightZero) },
    threads: Math.ceil(pixels / TILE) * output.groups,
  };
}

/** sum((x - zx) * (w - zw)) for every output, in NCHW. */
function accumulate(linear: Linear, x: ElementData): Int32Array {
  const { layer, input, output, weights, strides, dilations } = linear;
  const [kh, kw] = layer.kernel;
  const [padTop, padLeft] = layer.pads;
  const perGroup = layer.inputChannels / layer.groups;
  const outPerGroup = layer.outputChannels / layer.groups;
  const centred = Int32Array.from(x as Uint8Array, (v) => v - layer.input.zeroPoint);
  const plane = output.height * output.width;
  const accumulators = new Int32Array(output.batch * layer.outputChannels * plane);
  for (let n = 0; n < output.batch; n++)
    for (let o = 0; o < layer.outputChannels; o++) {
      const zero = weightZero(layer, o);
      const target = (n * layer.outputChannels + o) * plane;
      const firstChannel = Math.floor(o / outPerGroup) * perGroup;
      for (let c = 0; c < perGroup; c++) {
        const source = (n * layer.inputChannels + firstChannel + c) * input.height * input.width;
        for (let ky = 0; ky < kh; ky++)
          for (let kx = 0; kx < kw; kx++) {
            const w = weights[((o * perGroup + c) * kh + ky) * kw + kx]! - zero;
            if (w === 0) continue;
            for (let oy = 0; oy < output.height; oy++) {
              const iy = oy * strides[0] - padTop + ky * dilations[0];
              if (iy < 0 || iy >= input.height) continue;
              const row = source + iy * input.width;
              const out = target + oy * output.width;
              for (let ox = 0, ix = kx * dilations[1] - padLeft; ox < output.width; ox++, ix += strides[1])
                if (ix >= 0 && ix < input.width) accumulators[out + ox]! += w * centred[row + ix]!;
            }
          }
      }
    }
  return accumulators;
}

/** As accumulate, with pairs of raw products saturated to int16: pixel by pixel, as the definition reads. */
function accumulatePairs(linear: Linear, x: ElementData): Int32Array {
  const { layer, input, output, strides, dilations } = linear;
  const perGroup = layer.inputChannels / layer.groups;
  const outPerGroup = layer.outputChannels / layer.groups;
  const count = weightsPerChannel(linear);
  const zero = layer.input.zeroPoint;
  const raw = x as Uint8Array;
  const weights = Array.from({ length: layer.outputChannels }, (_, o) => rawWeights(linear, o));
  const sums = weights.map((w) => w.reduce((sum, v) => sum + v, 0));
  const plane = output.height * output.width;
  const accumulators = new Int32Array(output.batch * layer.outputChannels * plane);
  const window = new Int32Array(layer.groups * count);
  for (let n = 0; n < output.batch; n++)
    for (let p = 0; p < plane; p++) {
      const top = Math.floor(p / output.width) * strides[0] - layer.pads[0];
      const left = (p % output.width) * strides[1] - layer.pads[1];
      for (let k = 0; k < window.length; k++) {
        const [group, tap, c] = [Math.floor(k / count), Math.floor((k % count) / perGroup), k % perGroup];
        const iy = top + Math.floor(tap / layer.kernel[1]) * dilations[0];
        const ix = left + (tap % layer.kernel[1]) * dilations[1];
        const inside = iy >= 0 && iy < input.height && ix >= 0 && ix < input.width;
        const channel = n * layer.inputChannels + group * perGroup + c;
        window[k] = inside ? raw[(channel * input.height + iy) * input.width + ix]! : zero;
      }
      for (let o = 0; o < layer.outputChannels; o++) {
        const w = weights[o]!;
        const first = Math.floor(o / outPerGroup) * count;
        let sum = -zero * sums[o]!;
        for (let k = 0; k < count; k += 2) {
          const second = k + 1 < count ? window[first + k + 1]! * w[k + 1]! : 0;
          sum += Math.min(32767, Math.max(-32768, window[first + k]! * w[k]! + second));
        }
        accumulators[(n * layer.outputChannels + o) * plane + p] = sum;
      }
    }
  return accumulators;
}

/** The layer on the host, from the engine's own functions. */
export function referenceLinear(context: OpContext, linear: Linear, x: ElementData): ReferenceResult {
  const { layer, output } = linear;
  const exact = context.semantics.accumulation(layer) === 'exact';
  const accumulators = exact ? accumulate(linear, x) : accumulatePairs(linear, x);
  const functions = context.semantics.linear(layer);
  const plane = output.height * output.width;
  const data = layer.output.type === 'uint8' ? new Uint8Array(accumulators.length) : new Int8Array(accumulators.length);
  for (let o = 0; o < layer.outputChannels; o++) {
    const f = functions.at(o);
    for (let n = 0; n < output.batch; n++) {
      const from = (n * layer.outputChannels + o) * plane;
      for (let i = from; i < from + plane; i++) data[i] = f(accumulators[i]!);
    }
  }
  return { data, accumulators };
}

/** For kernels that work group by group. */
export function groupsOf(info: TensorInfo): number {
  return groupCount(extent(info));
}
