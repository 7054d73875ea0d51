// Between two constants.
//#import shared/constants
//#import shared/float32_compare

fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_clip(x, constant(0u), constant(1u));
}
