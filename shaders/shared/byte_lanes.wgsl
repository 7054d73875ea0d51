// Four bytes of a word as f32, byte j times 2^(8j), the topmost signed: no shifts. Each is 8 bits times a power of two,
// exact; weights carry the reciprocal power, so products and their sums are integers, exact below 2^24.
const UNITS = vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24);

fn byte_lanes(word: u32) -> vec4<f32> {
  return vec4<f32>(
    f32(i32(word & 0xffu)),
    f32(i32(word & 0xff00u)),
    f32(i32(word & 0xff0000u)),
    f32(i32(word & 0xff000000u))
  );
}

// Weights less their zero point, for a dot product with byte_lanes: byte j of the word is w, the topmost w - 128.
fn weight_lanes(word: u32, zero: f32) -> vec4<f32> {
  let w = byte_lanes(word) * UNITS - vec4<f32>(zero, zero, zero, zero - 128.0);
  return w * UNITS;
}

// The same of four channels, for products with byte_lanes lane by lane: zeros, a channel each.
fn channel_weights(word: u32, zeros: vec4<f32>) -> vec4<f32> {
  return (byte_lanes(word) * UNITS - (zeros - vec4<f32>(0.0, 0.0, 0.0, 128.0))) * UNITS;
}
