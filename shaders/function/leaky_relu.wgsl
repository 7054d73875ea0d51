// x, or a constant times x where x is less than 0, or NaN.
//#import shared/constants
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  return select(x, float_multiply(x, constant(0u)), float_less(x, vec4<u32>()) | is_nan(x));
}
