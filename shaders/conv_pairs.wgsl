// y[n, oy, ox, o] = emit(sum over pairs of sat16(x0 * w0 + x1 * w1) - zx * sum(w)): vpmaddubsw's accumulation.
// Products of raw bytes in the order ky, kx, c of o's group, in pairs, an odd last one alone; padded with zx.
// x: NHWC, 4 channels a word; w: [ky, kx, c][group of 4 outputs] int32; y: NHWC. |pair| <= 2 * 255 * 128.

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
  in_per_group: u32,
  out_per_group: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// All outputs see the same input channels (one group).
override ONE_GROUP: bool;
// Each output sees the input channel of its own number.
override DEPTHWISE: bool;

const LEAST = vec4<i32>(-32768);
const MOST = vec4<i32>(32767);

fn channel_at(pixel: u32, channel: u32) -> i32 {
  return i32((input[pixel + channel / 4u] >> ((channel & 3u) * 8u)) & 255u);
}

// What the four outputs of a group multiply with their c-th weight of a tap.
fn load(pixel: u32, group: u32, c: u32) -> vec4<i32> {
  if (ONE_GROUP) {
    return vec4<i32>(channel_at(pixel, c));
  }
  if (DEPTHWISE) {
    return unpack_codes(input[pixel + group]);
  }
  // outputs that do not exist have weights of zero, whatever they read
  let first = ((group * 4u + vec4<u32>(0u, 1u, 2u, 3u)) / geometry.out_per_group) * geometry.in_per_group + c;
  return vec4<i32>(
    channel_at(pixel, first.x),
    channel_at(pixel, first.y),
    channel_at(pixel, first.z),
    channel_at(pixel, first.w)
  );
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let thread = thread_index(workgroup_id, num_workgroups, local_index);
  let group = thread % geometry.out_groups;
  let out_pixel = thread / geometry.out_groups;
  if (out_pixel >= geometry.pixels) {
    return;
  }
  let ox = out_pixel % geometry.out_width;
  let row = out_pixel / geometry.out_width;
  let oy = row % geometry.out_height;
  let image = row / geometry.out_height;
  var sums = corrections[group];
  var first = vec4<i32>();
  var half = false;
  var at_weight = group;
  for (var ky = 0u; ky < geometry.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.kernel_width; kx++) {
      // differences wrap, so left of 0 is beyond the width
      let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
      let ix = ox * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
      let inside = iy < geometry.in_height && ix < geometry.in_width;
      let pixel = ((image * geometry.in_height + iy) * geometry.in_width + ix) * geometry.in_groups;
      for (var c = 0u; c < geometry.in_per_group; c++) {
        var x = vec4<i32>(i32(geometry.input_zero));
        if (inside) {
          x = load(pixel, group, c);
        }
        let product = x * weights[at_weight];
        if (half) {
          sums += clamp(first + product, LEAST, MOST);
        } else {
          first = product;
        }
        half = !half;
        at_weight += geometry.out_groups;
      }
    }
  }
  if (half) {
    sums += clamp(first, LEAST, MOST);
  }
  emit(out_pixel * geometry.out_groups + group, form_of(group), sums);
}
