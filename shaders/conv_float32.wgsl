// y[n, oy, ox, o] = the float32 sum over c, ky, kx of x * w, padded with 0, in an order that a module has; what it begins
// with, and what is added last, may be a bias or another tensor.
// x, addend, y: NHWC, 4 channels a vec4 of bits; w: [c of the group][ky][kx][group of 4 outputs] of 4; bias: [group of 4].
//#import shared/threads
//#import shared/window
//#import shared/float32_compare
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
  // pixels of an image, and groups of four channels, from which on products are added in fours
  fours_pixel: u32,
  fours_group: u32,
  // bits of the least and the largest value that are left
  least: u32,
  most: u32,
  // pixels of an image from which on a zero of either sign is left
  compared_pixel: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> addend: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override BIAS_FIRST: bool;
override BIAS_LAST: bool;
override ADDEND_FIRST: bool;
override ADDEND_LAST: bool;
override CLAMPS: bool;
// Are the four channels of each word in one group of the convolution?
override ONE_GROUP: bool;

fn are_zero(a: vec4<u32>, b: vec4<u32>) -> vec4<bool> {
  return ((a | b) & vec4<u32>(MAGNITUDE)) == vec4<u32>();
}

// As vectors have it: of two zeros the larger, then the smaller, as their signs are ordered.
fn clamp_vector(x: vec4<u32>, least: vec4<u32>, most: vec4<u32>) -> vec4<u32> {
  let above = select(select(x, least, float_less(x, least)), x & least, are_zero(x, least));
  return select(select(above, most, float_less(most, above)), above | most, are_zero(above, most));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  let place = index / geometry.window.out_groups;
  if (place >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(place);
  let in_image = place % (geometry.window.out_height * geometry.window.out_width);
  let channels = min(vec4<u32>(group * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(geometry.out_channels - 1u));
  let first = channels / geometry.out_per_group * geometry.in_per_group;
  var start = vec4<u32>();
  if (BIAS_FIRST) {
    start = bias[group];
  }
  if (ADDEND_FIRST) {
    start = addend[index];
  }
  let in_fours = in_image >= geometry.fours_pixel || group >= geometry.fours_group;
  var sum = begin_sum(start, !BIAS_FIRST && !ADDEND_FIRST, in_fours);
  var at_weight = group;
  for (var c = 0u; c < geometry.in_per_group; c++) {
    for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
      for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
        let at = input_pixel(pixel, ky, kx);
        var x = vec4<u32>();
        if (at != OUTSIDE) {
          let places = vec4<u32>(at * 4u + c) + first;
          if (ONE_GROUP) {
            x = vec4<u32>(input[places.x]);
          } else {
            x = vec4<u32>(input[places.x], input[places.y], input[places.z], input[places.w]);
          }
        }
        add_product(&sum, float_multiply(x, weights[at_weight]));
        at_weight += geometry.window.out_groups;
      }
    }
  }
  var result = end_sum(&sum);
  if (BIAS_LAST) {
    result = float_add(result, bias[group]);
  }
  if (ADDEND_LAST) {
    result = float_add(result, addend[index]);
  }
  if (CLAMPS) {
    let least = vec4<u32>(geometry.least);
    let most = vec4<u32>(geometry.most);
    if (in_image < geometry.compared_pixel) {
      result = clamp_vector(result, least, most);
    } else {
      result = float_clip(result, least, most);
    }
  }
  output[index] = result;
}
