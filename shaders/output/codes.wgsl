// A kernel's int32 sums as bytes: requantized codes, four channels a word.
//#slot form: requantize/ for form_of, requantize

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32;

// index: word of the output; form: form_of the group of four channels.
fn emit(index: u32, form: Form, sums: Sums) {
  output[index] = requantize(form, sums) ^ OUTPUT_SIGN;
}
