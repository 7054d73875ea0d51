// No result: the sums in one word, in as few steps as keep all of them needed. Only for measuring: a layer's time with
// this in place of `output/codes` is its time without requantization and packing, with the same bytes written.
// |sums| as in the kernel; the word means nothing.

alias Form = u32;

fn form_of(group: u32) -> Form {
  return group;
}

// index: word of the output; form: which four channels.
fn emit(index: u32, form: Form, sums: Sums) {
  let bits = bitcast<vec4<u32>>(sums);
  output[index] = bits.x ^ bits.y ^ bits.z ^ bits.w;
}
