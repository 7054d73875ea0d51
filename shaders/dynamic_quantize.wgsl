// y = clamp(rne(x / scale) + zero point, 0, 255); NaN becomes 0. x: 4 channels a vec4 of bits; y: 4 channels a word.
//#import shared/threads
//#import shared/codes
//#import shared/float32_round
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int

struct Geometry {
  groups: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read> zero_point: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let q = float_divide(input[index], vec4<u32>(scale[0]));
  let whole = float_to_int(q);
  let zero = vec4<i32>(i32(zero_point[0] & 255u));
  output[index] = pack_codes(vec4<u32>(clamp(whole + zero, vec4<i32>(), vec4<i32>(255))));
}
