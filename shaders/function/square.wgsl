// x^2.
fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_multiply(x, x);
}
