import { byteRange } from '../../graph/graph.ts';
import { signMask } from '../requantization.ts';
import { windowGeometry } from '../window.ts';
import type { Linear } from './linear.ts';
import type { LinearKind } from './variants/variant.ts';

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

/** shared/window.wgsl's Window of a layer. */
export function layerWindow({ layer, input, output, strides, dilations }: Linear) {
  return windowGeometry({ kernel: layer.kernel, strides, dilations, pads: layer.pads }, input, output);
}

/** How kernels that work on codes (0 to 255) read the input. */
export function codeGeometry({ layer }: Linear) {
  return {
    input_sign: signMask(layer.input.type),
    input_zero: layer.input.zeroPoint - byteRange(layer.input.type)[0],
  };
}
