// y = f(x), element by element: float32, or int32 where f takes that. x, y: 4 channels a vec4 of bits.
//#import shared/threads
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int
//#slot function: function/ for apply

struct Geometry {
  groups: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  output[index] = apply(input[index]);
}
