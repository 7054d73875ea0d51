// y[n, oy, ox, c] = max of x[.., c] over the window; taps outside the input do not take part.
// x, y: NHWC, 4 channels a word. Codes 0 to 255: the order of the codes is the order of the values.
//#import shared/threads
//#import shared/codes
//#import shared/window

struct Geometry {
  window: Window,
  sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  if (index / geometry.window.out_groups >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(index / geometry.window.out_groups);
  var largest = vec4<i32>();
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let at = input_pixel(pixel, ky, kx);
      if (at != OUTSIDE) {
        largest = max(largest, unpack_codes(input[at + group] ^ geometry.sign));
      }
    }
  }
  output[index] = pack_codes(vec4<u32>(largest)) ^ geometry.sign;
}
