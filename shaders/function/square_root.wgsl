// The square root.
fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_sqrt(x);
}
