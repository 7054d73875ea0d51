// An odd polynomial over an even one, plus a half: 5 and 6 coefficients, behind the largest |x|.
//#import shared/constants
//#import shared/polynomial
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  let most = constant(0u);
  let v = float_clip(x, most ^ vec4<u32>(SIGN), most);
  let square = float_multiply(v, v);
  let quotient = float_divide(float_multiply(polynomial(1u, 5u, square), v), polynomial(6u, 6u, square));
  return float_clip(float_add(quotient, vec4<u32>(0x3f000000u)), vec4<u32>(), vec4<u32>(0x3f800000u));
}
