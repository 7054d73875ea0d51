// Sums of integers by a form that takes f32. Above 2^24 the conversion rounds, but only beyond what the form clamps to.
fn requantize(form: Form, accumulators: vec4<i32>) -> u32 {
  return requantize_float(form, vec4<f32>(accumulators));
}
