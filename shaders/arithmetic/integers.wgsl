// IEEE float32 arithmetic by integers: exact on every device.
//#import shared/float32_lanes

fn float_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return add_lanes(a, a, b, 4u);
}

fn float_multiply(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return multiply_lanes(a, a, b, 4u);
}

fn float_divide(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return divide_lanes(a, a, b, 4u);
}

fn float_sqrt(a: vec4<u32>) -> vec4<u32> {
  return sqrt_lanes(a, a, 4u);
}

fn float_from_int(a: vec4<i32>) -> vec4<u32> {
  return vec4<u32>(float32_of(a.x), float32_of(a.y), float32_of(a.z), float32_of(a.w));
}
