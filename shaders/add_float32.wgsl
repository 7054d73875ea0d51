// y = f32(a + b), element by element, on float32 bits: one IEEE rounding.
// a, y: NHWC, 4 channels a vec4 of bits; b: the same, or one group of channels for every pixel.
//#import shared/threads
//#slot arithmetic: arithmetic/ for float_add

struct Geometry {
  groups: u32,
  other_groups: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  output[index] = float_add(a[index], b[index % geometry.other_groups]);
}
