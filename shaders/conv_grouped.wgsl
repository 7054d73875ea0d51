// y[n, oy, ox, o] = emit(sum over ky, kx, c of o's group of (x - zx) * (w - zw)): groups of any number of channels.
// x: NHWC, 4 channels a word; w: [o][ky][kx][c] int32, zero point subtracted; y: NHWC. One channel at a time.
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
  pixels: u32,
  out_channels: u32,
  in_per_group: u32,
  out_per_group: u32,
  input_sign: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<i32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn accumulate(image: u32, oy: u32, ox: u32, channel: u32) -> i32 {
  let first_channel = (channel / geometry.out_per_group) * geometry.in_per_group;
  var at_weight = channel * geometry.kernel_height * geometry.kernel_width * geometry.in_per_group;
  var sum = 0;
  for (var ky = 0u; ky < geometry.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.kernel_width; kx++) {
      // differences wrap, so left of 0 is beyond the width
      let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
      let ix = ox * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
      if (iy < geometry.in_height && ix < geometry.in_width) {
        let pixel = ((image * geometry.in_height + iy) * geometry.in_width + ix) * geometry.in_groups;
        for (var k = 0u; k < geometry.in_per_group; k++) {
          let c = first_channel + k;
          let word = input[pixel + c / 4u] ^ geometry.input_sign;
          let x = i32((word >> ((c & 3u) * 8u)) & 255u) - i32(geometry.input_zero);
          sum += x * weights[at_weight + k];
        }
      }
      at_weight += geometry.in_per_group;
    }
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let thread = thread_index(workgroup_id, num_workgroups, local_index);
  let group = thread % geometry.out_groups;
  let pixel = thread / geometry.out_groups;
  if (pixel >= geometry.pixels) {
    return;
  }
  let ox = pixel % geometry.out_width;
  let row = pixel / geometry.out_width;
  let oy = row % geometry.out_height;
  let image = row / geometry.out_height;
  var sums = vec4<i32>();
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = group * 4u + lane;
    if (channel < geometry.out_channels) {
      sums[lane] = accumulate(image, oy, ox, channel);
    }
  }
  emit(pixel * geometry.out_groups + group, form_of(group), sums);
}
