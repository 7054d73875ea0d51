// y = f(a, b), element by element, in float32. a, b, y: NHWC, 4 channels a vec4 of bits. What an operand has once for many
// elements of y has a step of 0 there; where it has one channel for all, the first lane is for all.
//#import shared/threads
//#import shared/pixel
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int
//#slot function: operation/ for apply

struct Geometry {
  groups: u32,
  // 0, which no compiler knows
  opaque: u32,
  height: u32,
  width: u32,
  channel_groups: u32,
  a_image: u32,
  a_row: u32,
  a_column: u32,
  a_group: u32,
  b_image: u32,
  b_row: u32,
  b_column: u32,
  b_group: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// Does either have one channel for all?
override A_ONE: bool;
override B_ONE: bool;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.height, geometry.width);
  let at = vec4<u32>(pixel.image, pixel.y, pixel.x, group);
  let x = a[at.x * geometry.a_image + at.y * geometry.a_row + at.z * geometry.a_column + at.w * geometry.a_group];
  let y = b[at.x * geometry.b_image + at.y * geometry.b_row + at.z * geometry.b_column + at.w * geometry.b_group];
  output[index] = apply(select(x, x.xxxx, A_ONE), select(y, y.xxxx, B_ONE));
}
