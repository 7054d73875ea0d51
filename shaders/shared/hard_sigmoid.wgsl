// alpha x + beta, between 0 and 1; alpha and beta are constants.
//#import shared/constants
//#import shared/float32_compare

fn hard_sigmoid(x: vec4<u32>) -> vec4<u32> {
  let line = float_add(float_multiply(x, constant(0u)), constant(1u));
  return float_clip(line, vec4<u32>(), vec4<u32>(0x3f800000u));
}
