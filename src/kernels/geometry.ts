import { byteRange } from '../graph/graph.ts';
import type { Linear, Window } from '../layers/layer.ts';
import type { Extent } from '../layers/layout.ts';
import { signMask } from './requantization.ts';

/** shared/window.wgsl's Window, of an input and an output in NHWC. */
export function windowGeometry(
  { kernel, strides, dilations, pads }: Omit<Window, 'size'>,
  input: Extent,
  output: Extent,
) {
  return {
    in_height: input.height,
    in_width: input.width,
    in_groups: input.groups,
    out_height: output.height,
    out_width: output.width,
    out_groups: output.groups,
    kernel_height: kernel[0],
    kernel_width: kernel[1],
    stride_y: strides[0],
    stride_x: strides[1],
    dilation_y: dilations[0],
    dilation_x: dilations[1],
    pad_top: pads[0],
    pad_left: pads[1],
    batch: output.batch,
    pixels: output.batch * output.height * output.width,
  };
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
