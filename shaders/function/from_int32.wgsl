// int32 as float32, rounded.
fn apply(x: vec4<u32>) -> vec4<u32> {
  return float_from_int(bitcast<vec4<i32>>(x));
}
