import type { Linear, LinearKind } from '../layer.ts';
import { weightsPerChannel } from './weights.ts';

/** What kind of layer it is to the kernel variants. */
export function kindOf({ layer, strides, input, output }: Linear): LinearKind {
  if (layer.op === 'gemm') return 'gemm';
  const [kh, kw] = layer.kernel;
  const perGroup = layer.inputChannels / layer.groups;
  if (layer.groups > 1 && perGroup === 1 && layer.outputChannels === layer.inputChannels) return 'depthwise';
  if (layer.groups > 1) return 'grouped';
  const samePixels = input.height === output.height && input.width === output.width;
  return kh === 1 && kw === 1 && strides.every((s) => s === 1) && samePixels ? 'pointwise' : 'conv';
}

/** Layers that agree in it are computed alike: NHWC of input and output, and the window where there is one. */
export function geometryKey(linear: Linear): string {
  const { layer, input, output, strides, dilations } = linear;
  const kind = kindOf(linear);
  const extent = ({ batch, height, width, channels }: Linear['input']) => [batch, height, width, channels].join('x');
  const key = `${kind} ${extent(input)} ${extent(output)}`;
  if (kind === 'gemm' || kind === 'pointwise') return key;
  const window = [layer.kernel, strides, layer.pads, dilations].map((sizes) => sizes.join('x'));
  return `${key} k${window[0]} s${window[1]} p${window[2]} d${window[3]} g${layer.groups}`;
}

export function outputPixels({ output }: Linear): number {
  return output.batch * output.height * output.width;
}

/** Multiply-adds of a layer. */
export function macsOf(linear: Linear): number {
  return outputPixels(linear) * linear.layer.outputChannels * weightsPerChannel(linear);
}
