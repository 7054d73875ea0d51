// |x|.
//#import shared/float32_bits

fn apply(x: vec4<u32>) -> vec4<u32> {
  return x & vec4<u32>(MAGNITUDE);
}
