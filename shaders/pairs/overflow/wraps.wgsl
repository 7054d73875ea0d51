// Pairs of products of signed values that wrap around at int16: one sum alone leaves it. x is uint8 or int8.

fn channel_at(pixel: u32, channel: u32) -> i32 {
  return i32(((input[pixel + channel / 4u] ^ geometry.input_sign) >> ((channel & 3u) * 8u)) & 255u) - 128;
}

fn channels_at(word: u32) -> vec4<i32> {
  return unpack_codes(input[word] ^ geometry.input_sign) - 128;
}

fn zero_point() -> vec4<i32> {
  return vec4<i32>(i32(geometry.input_zero) - 128);
}

fn narrow(pair: vec4<i32>) -> vec4<i32> {
  return select(pair, vec4<i32>(-32768), pair == vec4<i32>(32768));
}
