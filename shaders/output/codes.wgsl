// A kernel's int32 sums as bytes: requantized codes, four channels a word.

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32 = 0u;

// index: word of the output; form: form_of the group of four channels.
fn emit(index: u32, form: Form, accumulators: vec4<i32>) {
  output[index] = requantize(form, accumulators) ^ OUTPUT_SIGN;
}
