// The mean or the largest of a window, in float32, in an order that a module has. x, y: NHWC, 4 channels a vec4 of bits.
//#import shared/threads
//#import shared/window
//#import shared/float32_compare
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int
//#slot taken: taken/ for START, take, take_vector, finish
//#slot order: pool/ for reduce

struct Geometry {
  window: Window,
  // 0, which no compiler knows
  opaque: u32,
  counts_pads: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  if (index / geometry.window.out_groups >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(index / geometry.window.out_groups);
  var count = 0;
  let result = reduce(pixel, group, &count);
  let elements = i32(geometry.window.kernel_height * geometry.window.kernel_width);
  output[index] = finish(result, select(count, elements, geometry.counts_pads != 0u));
}
