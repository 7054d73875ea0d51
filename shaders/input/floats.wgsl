// Four channels of a float32 input, quantized as it is read, as signed bytes. input: NHWC, 4 words of bits a group.
// Float bits become int32 keys in the order of the floats; no floating-point arithmetic.
//#import shared/float_keys
//#slot input: requantize/ for form_of, requantize as *_input

fn input_word(index: u32) -> u32 {
  let at = index * 4u;
  let bits = bitcast<vec4<i32>>(vec4<u32>(input[at], input[at + 1u], input[at + 2u], input[at + 3u]));
  return requantize_input(form_of_input(0u), float_keys(bits)) ^ 0x80808080u;
}
