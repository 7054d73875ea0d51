// a / b.
fn apply(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return float_divide(a, b);
}
