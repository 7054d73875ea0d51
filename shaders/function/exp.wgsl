// e^x: 2^whole times a polynomial of the rest; 2^whole as two factors, of which the last is all of it but where that is no
// normal number. Constants: the least and the largest x, log2 e, what rounds to an integer where it is added, -ln 2 in two
// parts, 6 coefficients.
//#import shared/constants
//#import shared/polynomial
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  let v = float_clip(x, constant(0u), constant(1u));
  let round = constant(3u);
  let raised = float_add(float_multiply(v, constant(2u)), round);
  let whole = float_add(raised, round ^ vec4<u32>(SIGN));
  let near = float_add(float_multiply(whole, constant(4u)), v);
  let rest = float_add(float_multiply(whole, constant(5u)), near);
  // from here on exponents, where a float has them
  let one = vec4<i32>(0x3f800000);
  let power = bitcast<vec4<i32>>(raised << vec4<u32>(23u));
  let last = clamp(power, vec4<i32>(-0x3f000000), one);
  let first = bitcast<vec4<u32>>(power - last + one);
  let sum = float_multiply(polynomial(6u, 6u, rest), float_multiply(rest, first));
  return float_multiply(float_add(sum, first), bitcast<vec4<u32>>(last + one));
}
