// The sum, divided by how many there are.
const START = 0u;

fn take(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return float_add(a, b);
}

fn take_vector(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return float_add(a, b);
}

fn finish(sum: vec4<u32>, count: i32) -> vec4<u32> {
  return float_divide(sum, float_from_int(vec4<i32>(count)));
}
