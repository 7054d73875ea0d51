// The scale and the zero point of uint8 values between two floats.
//#import shared/float32_bits
//#import shared/float32_round

// A 255th of what lies between them, or 1.
fn scale_of(least: u32, most: u32) -> vec4<u32> {
  // between them is 0: they are equal where both are zeros
  if (((least | most) & MAGNITUDE) == 0u) {
    return vec4<u32>(0x3f800000u);
  }
  // 255
  return float_divide(float_add(vec4<u32>(most), vec4<u32>(least ^ SIGN)), vec4<u32>(0x437f0000u));
}

// rne(0 - least / scale), between 0 and 255; 255 of NaN.
fn zero_point_of(least: u32, most: u32) -> u32 {
  let zero = float_add(vec4<u32>(), float_divide(vec4<u32>(least), scale_of(least, most)) ^ vec4<u32>(SIGN));
  return select(u32(clamp(float_to_int(zero).x, 0, 255)), 255u, is_nan(zero).x);
}
