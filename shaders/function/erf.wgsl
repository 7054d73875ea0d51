// Near 0 a polynomial of x^2, beyond it 1 - e^(a polynomial of |x|). Constants: the largest |x|, where it changes,
// coefficients (6, 7, and 7 of the exponential), the least exponent, and those of shared/exponential.
//#import shared/constants
//#import shared/polynomial
//#import shared/exponential
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  let sign = x & vec4<u32>(SIGN);
  let magnitude = x & vec4<u32>(MAGNITUDE);
  let a = select(magnitude, constant(0u), float_less(constant(0u), magnitude));
  let near = float_add(float_multiply(polynomial(2u, 6u, float_multiply(a, a)), a), a);
  let exponent = float_add(float_multiply(polynomial(8u, 7u, a), a), a) ^ vec4<u32>(SIGN);
  let least = constant(22u);
  let parts = reduced(select(exponent, least, float_less(exponent, least)), 23u);
  let power = float_multiply(polynomial(15u, 7u, parts.rest), parts.power);
  let far = float_add(vec4<u32>(0x3f800000u), power ^ vec4<u32>(SIGN));
  return sign ^ select(near, far, float_less(constant(1u), a));
}
