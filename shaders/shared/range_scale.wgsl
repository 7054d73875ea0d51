// The scale of uint8 values between two floats: a 255th of what lies between them, or 1.
//#import shared/float32_bits

fn scale_of(least: u32, most: u32) -> vec4<u32> {
  // between them is 0: they are equal where both are zeros
  if (((least | most) & MAGNITUDE) == 0u) {
    return vec4<u32>(0x3f800000u);
  }
  // 255
  return float_divide(float_add(vec4<u32>(most), vec4<u32>(least ^ SIGN)), vec4<u32>(0x437f0000u));
}
