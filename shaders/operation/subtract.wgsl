// a - b.
//#import shared/float32_bits

fn apply(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return float_add(a, b ^ vec4<u32>(SIGN));
}
