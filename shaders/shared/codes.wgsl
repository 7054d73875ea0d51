// The four 8-bit channels of a word. f32: integers below 2^16 (of 2^24).

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
