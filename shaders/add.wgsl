// y = combine(a, b), element by element: two bytes to a byte.
// a, b, y: NHWC, 4 channels a word. combine is proved at load over all 65,536 pairs of codes.

struct Geometry {
  groups: u32,
  a_sign: u32,
  b_sign: u32,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32 = 0u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = thread_index(workgroup_id, num_workgroups, local_index);
  if (index >= geometry.groups) {
    return;
  }
  let codes = combine(unpack_codes(a[index] ^ geometry.a_sign), unpack_codes(b[index] ^ geometry.b_sign));
  output[index] = pack_codes(codes) ^ OUTPUT_SIGN;
}
