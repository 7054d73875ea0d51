// Linked behind every kernel: threads, and the four 8-bit channels of a word. f32: integers below 2^16 (of 2^24).

const WORKGROUP_SIZE = 64u;

// One index a thread; the grid is two-dimensional because a dimension ends at 65,535 workgroups.
fn thread_index(workgroup_id: vec3<u32>, num_workgroups: vec3<u32>, local_index: u32) -> u32 {
  return (workgroup_id.y * num_workgroups.x + workgroup_id.x) * WORKGROUP_SIZE + local_index;
}

fn unpack_codes(word: u32) -> vec4<i32> {
  return vec4<i32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

fn pack_codes(codes: vec4<u32>) -> u32 {
  return codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
}

// The same of codes in f32 lanes, without shifts: the halves are integers below 2^16, exact as all below 2^24.
fn pack_floats(codes: vec4<f32>) -> u32 {
  let halves = bitcast<vec2<u32>>(codes.xz + codes.yw * 256.0 + 8388608.0) & vec2<u32>(0xffffu);
  return halves.x | (halves.y * 65536u);
}
