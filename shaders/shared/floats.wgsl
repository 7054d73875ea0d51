// Four codes in f32 lanes (integers 0 to 255) as a word, without shifts: sums below 2^16 are exact, as all below 2^24.
fn pack_floats(codes: vec4<f32>) -> u32 {
  let halves = vec2<i32>(codes.xz + codes.yw * 256.0);
  return u32(halves.x | (halves.y * 65536));
}
