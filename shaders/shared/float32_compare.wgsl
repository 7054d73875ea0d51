// Comparisons of float32 values, on bits. -0 equals 0, and NaN is neither less nor larger than anything.
//#import shared/float32_bits

fn is_nan(x: vec4<u32>) -> vec4<bool> {
  return (x & vec4<u32>(MAGNITUDE)) > vec4<u32>(INFINITY_BITS);
}

fn float_less(a: vec4<u32>, b: vec4<u32>) -> vec4<bool> {
  let x = bitcast<vec4<i32>>(a & vec4<u32>(MAGNITUDE));
  let y = bitcast<vec4<i32>>(b & vec4<u32>(MAGNITUDE));
  let signed_x = select(x, -x, a >= vec4<u32>(SIGN));
  let signed_y = select(y, -y, b >= vec4<u32>(SIGN));
  return (signed_x < signed_y) & !is_nan(a) & !is_nan(b);
}

// Between two values; NaN, and a zero of either sign, stay.
fn float_clip(x: vec4<u32>, least: vec4<u32>, most: vec4<u32>) -> vec4<u32> {
  return select(select(x, most, float_less(most, x)), least, float_less(x, least));
}
