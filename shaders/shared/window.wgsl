// A window that slides over an input of four channels a word. The kernel's Geometry begins with `window: Window`.
//#import shared/pixel

struct Window {
  in_height: u32,
  in_width: u32,
  in_groups: u32,
  out_height: u32,
  out_width: u32,
  out_groups: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  // images, and pixels of all images of the output
  batch: u32,
  pixels: u32,
}

// No input pixel.
const OUTSIDE = 0xffffffffu;

fn output_pixel(index: u32) -> Pixel {
  return pixel_of(index, geometry.window.out_height, geometry.window.out_width);
}

// First word of the input pixel under a tap of an output pixel, or OUTSIDE.
fn input_pixel(pixel: Pixel, ky: u32, kx: u32) -> u32 {
  // differences wrap, so above and left of 0 is beyond the height and the width
  let y = pixel.y * geometry.window.stride_y + ky * geometry.window.dilation_y - geometry.window.pad_top;
  let x = pixel.x * geometry.window.stride_x + kx * geometry.window.dilation_x - geometry.window.pad_left;
  if (y >= geometry.window.in_height || x >= geometry.window.in_width) {
    return OUTSIDE;
  }
  return ((pixel.image * geometry.window.in_height + y) * geometry.window.in_width + x) * geometry.window.in_groups;
}
