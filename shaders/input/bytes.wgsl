// Four channels of an 8-bit input as signed bytes. input: NHWC, 4 channels a word.

fn input_word(index: u32) -> u32 {
  return input[index] ^ geometry.input_flip;
}
