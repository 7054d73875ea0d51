// IEEE float32 arithmetic by integers, on as many lanes as are asked for: none, or all four. One lane after the other in a
// loop, for the text of each operation is long, and takes its time to compile; what is rotated, and not indexed, stays in
// registers.
//#import shared/float32_add
//#import shared/float32_multiply
//#import shared/float32_divide

fn add_lanes(result: vec4<u32>, a: vec4<u32>, b: vec4<u32>, lanes: u32) -> vec4<u32> {
  var y = result;
  var left = a;
  var right = b;
  for (var lane = 0u; lane < lanes; lane++) {
    y = vec4<u32>(y.yzw, float32_add(left.x, right.x));
    left = left.yzwx;
    right = right.yzwx;
  }
  return y;
}

fn multiply_lanes(result: vec4<u32>, a: vec4<u32>, b: vec4<u32>, lanes: u32) -> vec4<u32> {
  var y = result;
  var left = a;
  var right = b;
  for (var lane = 0u; lane < lanes; lane++) {
    y = vec4<u32>(y.yzw, float32_multiply(left.x, right.x));
    left = left.yzwx;
    right = right.yzwx;
  }
  return y;
}

fn divide_lanes(result: vec4<u32>, a: vec4<u32>, b: vec4<u32>, lanes: u32) -> vec4<u32> {
  var y = result;
  var left = a;
  var right = b;
  for (var lane = 0u; lane < lanes; lane++) {
    y = vec4<u32>(y.yzw, float32_divide(left.x, right.x));
    left = left.yzwx;
    right = right.yzwx;
  }
  return y;
}

fn sqrt_lanes(result: vec4<u32>, a: vec4<u32>, lanes: u32) -> vec4<u32> {
  var y = result;
  var left = a;
  for (var lane = 0u; lane < lanes; lane++) {
    y = vec4<u32>(y.yzw, float32_sqrt(left.x));
    left = left.yzwx;
  }
  return y;
}
