// y[n, oy, ox, o] = the float32 sum over ky, kx of the sums over c of x * w, of those pixels that ky, kx lead to oy, ox from;
// each of these in an order that a module has. The bias is added last.
// x, y: NHWC, 4 channels a vec4 of bits; w: [ky][kx][c of the group][group of 4 outputs] of 4; bias: [group of 4].
//#import shared/threads
//#import shared/window
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int
//#slot sum: product_sum/ for begin_sum, add_product, end_sum

struct Geometry {
  window: Window,
  // 0, which no compiler knows
  opaque: u32,
  out_channels: u32,
  in_per_group: u32,
  out_per_group: u32,
  // products of a sum, and of a block of it
  depth: u32,
  block: u32,
  // pixels of an input's image from which on products are added in fours
  fours_pixel: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override BIAS_LAST: bool;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let out_groups = geometry.window.out_groups;
  let group = index % out_groups;
  let place = index / out_groups;
  if (place >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(place);
  let channels = min(vec4<u32>(group * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(geometry.out_channels - 1u));
  let first = channels / geometry.out_per_group * geometry.in_per_group;
  var all = vec4<u32>();
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    // differences wrap, so above and left of 0 is beyond the height and the width
    let y = pixel.y + geometry.window.pad_top - ky * geometry.window.dilation_y;
    let row = y / geometry.window.stride_y;
    if (row >= geometry.window.in_height || row * geometry.window.stride_y != y) {
      continue;
    }
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let x = pixel.x + geometry.window.pad_left - kx * geometry.window.dilation_x;
      let column = x / geometry.window.stride_x;
      if (column >= geometry.window.in_width || column * geometry.window.stride_x != x) {
        continue;
      }
      let in_image = row * geometry.window.in_width + column;
      let at = (pixel.image * geometry.window.in_height * geometry.window.in_width + in_image) * geometry.window.in_groups;
      var sum = begin_sum(vec4<u32>(), true, in_image >= geometry.fours_pixel);
      var at_weight = (ky * geometry.window.kernel_width + kx) * geometry.in_per_group * out_groups + group;
      for (var c = 0u; c < geometry.in_per_group; c++) {
        let places = vec4<u32>(at * 4u + c) + first;
        let values = vec4<u32>(input[places.x], input[places.y], input[places.z], input[places.w]);
        add_product(&sum, float_multiply(values, weights[at_weight]));
        at_weight += out_groups;
      }
      all = float_add(all, end_sum(&sum));
    }
  }
  if (BIAS_LAST) {
    all = float_add(all, bias[group]);
  }
  output[index] = all;
}
