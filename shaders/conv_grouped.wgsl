// y[n, oy, ox, o] = emit(sum over ky, kx, c of o's group of (x - zx) * (w - zw)): groups of any number of channels.
// x: NHWC, 4 channels a word; w: [o][ky][kx][c] int32, zero point subtracted; y: NHWC. One channel at a time.
// |product| <= 255 * 255; the sum is an int32 (proved at load).
//#import shared/threads
//#import shared/window
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
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

fn accumulate(pixel: Pixel, channel: u32) -> i32 {
  let first_channel = (channel / geometry.out_per_group) * geometry.in_per_group;
  var at_weight = channel * geometry.window.kernel_height * geometry.window.kernel_width * geometry.in_per_group;
  var sum = 0;
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let at = input_pixel(pixel, ky, kx);
      if (at != OUTSIDE) {
        for (var k = 0u; k < geometry.in_per_group; k++) {
          let c = first_channel + k;
          let word = input[at + c / 4u] ^ geometry.input_sign;
          let x = i32((word >> ((c & 3u) * 8u)) & 255u) - i32(geometry.input_zero);
          sum += x * weights[at_weight + k];
        }
      }
      at_weight += geometry.in_per_group;
    }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  let pixel = index / geometry.window.out_groups;
  if (pixel >= geometry.window.pixels) {
    return;
  }
  var sums = vec4<i32>();
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = group * 4u + lane;
    if (channel < geometry.out_channels) {
      sums[lane] = accumulate(output_pixel(pixel), channel);
    }
  }
  emit(index, form_of(group), sums);
}
