// A kernel's result as bytes: requantized codes, four channels a word.

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32 = 0u;

// index: word of the output; group: which four channels.
fn emit(index: u32, group: u32, accumulators: vec4<i32>) {
  output[index] = pack_codes(requantize(accumulators, group)) ^ OUTPUT_SIGN;
}
