// y[n, oy, ox, c] = emit(sum over ky, kx of (x[.., c] - zx) * (w[c] - zw)); taps outside the input add nothing.
// x: NHWC, 4 channels a word; w: [ky][kx][channel] int32, zero point subtracted; y: NHWC.
// |product| <= 255 * 255; the sum is an int32 (proved at load).

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
  batch: u32,
  input_sign: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// Columns a thread computes.
const TILE = 4u;

// x - zx of four channels; zero outside the input. Differences wrap, so left of 0 is beyond the width.
fn load(row: u32, ix: u32, group: u32) -> vec4<i32> {
  if (ix >= geometry.in_width) {
    return vec4<i32>();
  }
  let word = input[(row + ix) * geometry.in_groups + group] ^ geometry.input_sign;
  return unpack_codes(word) - vec4<i32>(i32(geometry.input_zero));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let thread = thread_index(workgroup_id, num_workgroups, local_index);
  let group = thread % geometry.out_groups;
  let tile = thread / geometry.out_groups;
  let tiles = (geometry.out_width + TILE - 1u) / TILE;
  let first = (tile % tiles) * TILE;
  let out_row = tile / tiles;
  if (out_row >= geometry.batch * geometry.out_height) {
    return;
  }
  let oy = out_row % geometry.out_height;
  let image = out_row / geometry.out_height;
  var sum0 = vec4<i32>();
  var sum1 = vec4<i32>();
  var sum2 = vec4<i32>();
  var sum3 = vec4<i32>();
  for (var ky = 0u; ky < geometry.kernel_height; ky++) {
    let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
    if (iy >= geometry.in_height) {
      continue;
    }
    let row = (image * geometry.in_height + iy) * geometry.in_width;
    for (var kx = 0u; kx < geometry.kernel_width; kx++) {
      let tap = ky * geometry.kernel_width + kx;
      let w = weights[tap * geometry.out_groups + group];
      let ix = first * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
      sum0 += load(row, ix, group) * w;
      sum1 += load(row, ix + geometry.stride_x, group) * w;
      sum2 += load(row, ix + 2u * geometry.stride_x, group) * w;
      sum3 += load(row, ix + 3u * geometry.stride_x, group) * w;
    }
  }
  let at = (out_row * geometry.out_width + first) * geometry.out_groups + group;
  let form = form_of(group);
  emit(at, form, sum0);
  if (first + 1u < geometry.out_width) {
    emit(at + geometry.out_groups, form, sum1);
  }
  if (first + 2u < geometry.out_width) {
    emit(at + 2u * geometry.out_groups, form, sum2);
  }
  if (first + 3u < geometry.out_width) {
    emit(at + 3u * geometry.out_groups, form, sum3);
  }
}
