// x, or the slope times x where x is less than 0, or NaN.
//#import shared/float32_compare

fn apply(x: vec4<u32>, slope: vec4<u32>) -> vec4<u32> {
  return select(x, float_multiply(slope, x), float_less(x, vec4<u32>()) | is_nan(x));
}
