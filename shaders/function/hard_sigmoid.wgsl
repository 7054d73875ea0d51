// alpha x + beta, between 0 and 1.
//#import shared/hard_sigmoid

fn apply(x: vec4<u32>) -> vec4<u32> {
  return hard_sigmoid(x);
}
