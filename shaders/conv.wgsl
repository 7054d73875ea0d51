// y[n, oy, ox, o] = emit(sum over ky, kx, c of (x - zx) * (w - zw)), padded with zx; groups of whole words.
// x: NHWC, 4 channels a word; w: [ky][kx][word of the group's channels][group of 4 outputs] of 4 words; y: NHWC.
// |dot4| <= 2^16; the sums wrap mod 2^32, and the corrected result is an int32 (proved at load).

struct Geometry {
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
  pixels: u32,
  in_group_words: u32,
  out_group_words: u32,
  input_flip: u32,
  padding: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override HAS_WEIGHT_ZERO: bool;

const TILE = 4u;
const ONES = 0x01010101u;
const OUTSIDE = 0xffffffffu;

fn dot4_each(x: u32, w: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4(x, w.x), dot4(x, w.y), dot4(x, w.z), dot4(x, w.w));
}

// First word of the input pixel under a tap of an output pixel, or OUTSIDE. Differences wrap, so left of 0 is beyond the width.
fn input_pixel(pixel: u32, ky: u32, kx: u32) -> u32 {
  let ox = pixel % geometry.out_width;
  let row = pixel / geometry.out_width;
  let oy = row % geometry.out_height;
  let image = row / geometry.out_height;
  let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
  let ix = ox * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
  if (iy >= geometry.in_height || ix >= geometry.in_width) {
    return OUTSIDE;
  }
  return ((image * geometry.in_height + iy) * geometry.in_width + ix) * geometry.in_groups;
}

fn load(first_word: u32, word: u32) -> u32 {
  if (first_word == OUTSIDE) {
    return geometry.padding;
  }
  return input[first_word + word] ^ geometry.input_flip;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let thread = thread_index(workgroup_id, num_workgroups, local_index);
  let group = thread % geometry.out_groups;
  let first = (thread / geometry.out_groups) * TILE;
  if (first >= geometry.pixels) {
    return;
  }
  // a tile that reaches beyond the last pixel computes that one again, and does not write it
  let last = geometry.pixels - 1u;
  let first_channel_word = (group / geometry.out_group_words) * geometry.in_group_words;
  var sum0 = vec4<i32>();
  var sum1 = vec4<i32>();
  var sum2 = vec4<i32>();
  var sum3 = vec4<i32>();
  var x_sums = vec4<i32>();
  var at_weight = group;
  for (var ky = 0u; ky < geometry.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.kernel_width; kx++) {
      let p0 = input_pixel(first, ky, kx);
      let p1 = input_pixel(min(first + 1u, last), ky, kx);
      let p2 = input_pixel(min(first + 2u, last), ky, kx);
      let p3 = input_pixel(min(first + 3u, last), ky, kx);
      for (var k = 0u; k < geometry.in_group_words; k++) {
        let w = weights[at_weight];
        let word = first_channel_word + k;
        let x0 = load(p0, word);
        let x1 = load(p1, word);
        let x2 = load(p2, word);
        let x3 = load(p3, word);
        sum0 += dot4_each(x0, w);
        sum1 += dot4_each(x1, w);
        sum2 += dot4_each(x2, w);
        sum3 += dot4_each(x3, w);
        if (HAS_WEIGHT_ZERO) {
          x_sums += vec4<i32>(dot4(x0, ONES), dot4(x1, ONES), dot4(x2, ONES), dot4(x3, ONES));
        }
        at_weight += geometry.out_groups;
      }
    }
  }
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  let at = first * geometry.out_groups + group;
  let form = form_of(group);
  emit(at, form, sum0 + offset - weight_zero * x_sums.x);
  if (first + 1u <= last) {
    emit(at + geometry.out_groups, form, sum1 + offset - weight_zero * x_sums.y);
  }
  if (first + 2u <= last) {
    emit(at + 2u * geometry.out_groups, form, sum2 + offset - weight_zero * x_sums.z);
  }
  if (first + 3u <= last) {
    emit(at + 3u * geometry.out_groups, form, sum3 + offset - weight_zero * x_sums.w);
  }
}
