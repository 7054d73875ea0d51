// x^3, as the square times x.
fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_multiply(float_multiply(x, x), x);
}
