import { byteRange } from '../graph/graph.ts';
import type { Linear, Window } from '../layers/layer.ts';
import { signMask } from './requantization.ts';

/** The fields of a kernel's Geometry that say where a window lies. */
export function windowGeometry({ layer, input, output, strides, dilations }: Linear) {
  return {
    in_height: input.height,
    in_width: input.width,
    in_groups: input.groups,
    out_height: output.height,
    out_width: output.width,
    out_groups: output.groups,
    ...windowFields({ ...layer, strides, dilations }),
  };
}

/** How kernels that work on codes (0 to 255) read the input. */
export function codeGeometry({ layer }: Linear) {
  return {
    input_sign: signMask(layer.input.type),
    input_zero: layer.input.zeroPoint - byteRange(layer.input.type)[0],
  };
}

/** The fields of a kernel's Geometry that a window fills. */
export function windowFields({ kernel, strides, dilations, pads }: Omit<Window, 'size'>) {
  return {
    kernel_height: kernel[0],
    kernel_width: kernel[1],
    stride_y: strides[0],
    stride_x: strides[1],
    dilation_y: dilations[0],
    dilation_x: dilations[1],
    pad_top: pads[0],
    pad_left: pads[1],
  };
}
