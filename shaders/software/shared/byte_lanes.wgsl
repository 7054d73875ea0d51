// Four bytes of a word as f32, byte j times 2^(8j), the topmost signed: no shifts. Each is 8 bits times a power of two,
// exact; weights carry the reciprocal power, so products and their sums are integers, exact below 2^24.
const UNITS = vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24);

fn byte_lane_0(word: u32) -> f32 {
  return f32(i32(word & 0xffu));
}

fn byte_lane_1(word: u32) -> f32 {
  return f32(i32(word & 0xff00u));
}

fn byte_lane_2(word: u32) -> f32 {
  return f32(i32(word & 0xff0000u));
}

fn byte_lane_3(word: u32) -> f32 {
  return f32(i32(word & 0xff000000u));
}

fn byte_lanes(word: u32) -> vec4<f32> {
  return vec4<f32>(byte_lane_0(word), byte_lane_1(word), byte_lane_2(word), byte_lane_3(word));
}

const SQUARES = vec4<f32>(1.0, 0x1p-16, 0x1p-32, 0x1p-48);

// Zero points of a word's four weights, as weight_lanes takes them; byte j of the word is w, the topmost w - 128.
fn weight_zeros(zeros: vec4<f32>) -> vec4<f32> {
  return (zeros - vec4<f32>(0.0, 0.0, 0.0, 128.0)) * UNITS;
}

// Weights less their zero points, for products with byte_lanes: integers below 2^9 times the reciprocal powers.
fn weight_lanes(word: u32, zeros: vec4<f32>) -> vec4<f32> {
  return byte_lanes(word) * SQUARES - zeros;
}
