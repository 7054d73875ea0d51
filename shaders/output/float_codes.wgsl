// A kernel's sums in f32 lanes, integers below 2^24, as bytes: requantized codes, four channels a word.

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32 = 0u;

// index: word of the output; form: form_of the group of four channels.
fn emit_float(index: u32, form: Form, accumulators: vec4<f32>) {
  output[index] = requantize_float(form, accumulators) ^ OUTPUT_SIGN;
}
