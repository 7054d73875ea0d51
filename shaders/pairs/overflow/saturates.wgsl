// Pairs of raw products that saturate at int16: vpmaddubsw's. x is uint8.

fn channel_at(pixel: u32, channel: u32) -> i32 {
  return i32((input[pixel + channel / 4u] >> ((channel & 3u) * 8u)) & 255u);
}

fn channels_at(word: u32) -> vec4<i32> {
  return unpack_codes(input[word]);
}

fn zero_point() -> vec4<i32> {
  return vec4<i32>(i32(geometry.input_zero));
}

fn narrow(pair: vec4<i32>) -> vec4<i32> {
  return clamp(pair, vec4<i32>(-32768), vec4<i32>(32767));
}
