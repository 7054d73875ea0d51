// The same by integers, of any values.
//#import shared/float32_lanes
//#import shared/float32_round

fn is_moderate(scale: u32) -> bool {
  return true;
}

fn moderate_add(a: vec4<u32>, b: vec4<u32>, opaque: u32) -> vec4<u32> {
  return add_lanes(a, a, b, 4u);
}

fn moderate_multiply(a: vec4<u32>, b: vec4<u32>, opaque: u32) -> vec4<u32> {
  return multiply_lanes(a, a, b, 4u);
}

fn moderate_clip(x: vec4<u32>, least: u32, most: u32) -> vec4<u32> {
  return float_clip(x, vec4<u32>(least), vec4<u32>(most));
}

fn moderate_divide(x: vec4<u32>, scale: u32, opaque: u32) -> vec4<u32> {
  return divide_lanes(x, x, vec4<u32>(scale), 4u);
}

fn moderate_round(x: vec4<u32>, least: i32, most: i32) -> vec4<i32> {
  return clamp(float_to_int(x), vec4<i32>(least), vec4<i32>(most));
}
