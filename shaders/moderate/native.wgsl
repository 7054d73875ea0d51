// Float32 operations by the device's own f32, of any values, not of integers below 2^24 alone: where it was found to be IEEE's,
// and of which no operand and no result is subnormal or infinite: what a scale between 2^-60 and 2^60 leads to. What is
// between two of them passes an integer operation with `opaque`, a 0 that no compiler knows, so that nothing is fused or put
// in another order.

fn is_moderate(scale: u32) -> bool {
  return scale - 0x21800000u <= 0x5d800000u - 0x21800000u;
}

fn hidden(x: vec4<u32>, opaque: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(x ^ vec4<u32>(opaque));
}

fn moderate_add(a: vec4<u32>, b: vec4<u32>, opaque: u32) -> vec4<u32> {
  return bitcast<vec4<u32>>(hidden(a, opaque) + bitcast<vec4<f32>>(b));
}

fn moderate_multiply(a: vec4<u32>, b: vec4<u32>, opaque: u32) -> vec4<u32> {
  return bitcast<vec4<u32>>(hidden(a, opaque) * bitcast<vec4<f32>>(b));
}

// Between two values; a zero of either sign stays.
fn moderate_clip(x: vec4<u32>, least: u32, most: u32) -> vec4<u32> {
  let value = bitcast<vec4<f32>>(x);
  let low = select(value, vec4<f32>(bitcast<f32>(least)), value < vec4<f32>(bitcast<f32>(least)));
  return bitcast<vec4<u32>>(select(low, vec4<f32>(bitcast<f32>(most)), low > vec4<f32>(bitcast<f32>(most))));
}

// The same, but that x may be small or NaN: by a moderate scale a small value is 0, rounded.
fn moderate_divide(x: vec4<u32>, scale: u32, opaque: u32) -> vec4<u32> {
  return bitcast<vec4<u32>>(hidden(x, opaque) / hidden(vec4<u32>(scale), opaque));
}

// The nearest integers, ties to even, between two of magnitudes below 2^22; NaN is the least.
fn moderate_round(x: vec4<u32>, least: i32, most: i32) -> vec4<i32> {
  let value = bitcast<vec4<f32>>(x);
  let low = select(vec4<f32>(f32(least)), value, value >= vec4<f32>(f32(least)));
  // what is added to 1.5 * 2^23 is rounded to an integer, in its last bits
  let whole = select(low, vec4<f32>(f32(most)), low > vec4<f32>(f32(most))) + 12582912.0;
  return bitcast<vec4<i32>>(whole) - vec4<i32>(0x4b400000);
}
