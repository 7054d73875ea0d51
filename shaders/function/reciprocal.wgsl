// 1 / x.
fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_divide(vec4<u32>(0x3f800000u), x);
}
