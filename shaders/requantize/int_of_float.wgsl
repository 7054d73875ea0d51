// Sums in f32, which are integers below 2^24, by a form that takes integers.
fn requantize_float(form: Form, accumulators: vec4<f32>) -> u32 {
  return requantize(form, vec4<i32>(accumulators));
}
