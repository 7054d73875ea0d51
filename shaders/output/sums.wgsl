// A kernel's result as bytes, added to another tensor of the same shape: combine(requantized codes, other).

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32 = 0u;
override OTHER_SIGN: u32 = 0u;
// Is the other tensor the add's first operand?
override OTHER_FIRST: bool = false;

@group(1) @binding(0) var<storage, read> other: array<u32>;

// index: word of the output; form: form_of the group of four channels.
fn emit(index: u32, form: Form, accumulators: vec4<i32>) {
  let codes = unpack_codes(requantize(form, accumulators));
  let others = unpack_codes(other[index] ^ OTHER_SIGN);
  output[index] = pack_codes(combine(select(codes, others, OTHER_FIRST), select(others, codes, OTHER_FIRST))) ^ OUTPUT_SIGN;
}
