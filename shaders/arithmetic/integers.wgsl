// IEEE float32 arithmetic by integers: exact on every device.
//#import shared/float32_add
//#import shared/float32_multiply
//#import shared/float32_divide

// Lane by lane in a loop: the text of each operation is long, and takes its time to compile.

fn float_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  var y = a;
  for (var lane = 0u; lane < 4u; lane++) {
    y[lane] = float32_add(a[lane], b[lane]);
  }
  return y;
}

fn float_multiply(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  var y = a;
  for (var lane = 0u; lane < 4u; lane++) {
    y[lane] = float32_multiply(a[lane], b[lane]);
  }
  return y;
}

fn float_divide(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  var y = a;
  for (var lane = 0u; lane < 4u; lane++) {
    y[lane] = float32_divide(a[lane], b[lane]);
  }
  return y;
}

fn float_sqrt(a: vec4<u32>) -> vec4<u32> {
  var y = a;
  for (var lane = 0u; lane < 4u; lane++) {
    y[lane] = float32_sqrt(a[lane]);
  }
  return y;
}

fn float_from_int(a: vec4<i32>) -> vec4<u32> {
  var y = vec4<u32>();
  for (var lane = 0u; lane < 4u; lane++) {
    y[lane] = float32_of(a[lane]);
  }
  return y;
}
