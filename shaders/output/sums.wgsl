// A kernel's result as bytes, added to another tensor of the same shape: combine(requantized codes, other).
//#import shared/codes
//#slot form: requantize/ for form_of, requantize
//#slot combine: requantize/ for combine

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32;
override OTHER_SIGN: u32;
// Is the other tensor the add's first operand?
override OTHER_FIRST: bool;

@group(1) @binding($) var<storage, read> other: array<u32>;

// index: word of the output; form: form_of the group of four channels.
fn emit(index: u32, form: Form, sums: Sums) {
  let codes = unpack_codes(requantize(form, sums));
  let others = unpack_codes(other[index] ^ OTHER_SIGN);
  output[index] = pack_codes(combine(select(codes, others, OTHER_FIRST), select(others, codes, OTHER_FIRST))) ^ OUTPUT_SIGN;
}
