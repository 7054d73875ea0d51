// x times alpha x + beta, which is between 0 and 1.
//#import shared/hard_sigmoid

fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_multiply(x, hard_sigmoid(x));
}
