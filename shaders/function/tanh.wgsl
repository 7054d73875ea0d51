// An odd polynomial over an even one: 7 and 4 coefficients, behind the largest |x|.
//#import shared/constants
//#import shared/polynomial
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  let most = constant(0u);
  let v = float_clip(x, most ^ vec4<u32>(SIGN), most);
  let square = float_multiply(v, v);
  return float_divide(float_multiply(polynomial(1u, 7u, square), v), polynomial(8u, 4u, square));
}
