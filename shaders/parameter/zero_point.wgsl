// rne(0 - least / scale), between 0 and 255; 255 of NaN.
//#import shared/range_scale
//#import shared/float32_round

fn parameter_of(least: u32, most: u32) -> u32 {
  let zero = float_add(vec4<u32>(), float_divide(vec4<u32>(least), scale_of(least, most)) ^ vec4<u32>(SIGN));
  return select(u32(clamp(float32_to_int(zero.x), 0, 255)), 255u, is_nan(zero).x);
}
