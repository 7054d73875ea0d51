// No result: sums in f32 lanes, integers below 2^24, in one word, in as few steps as keep all of them needed. Only for
// measuring, as output/folded is for sums in int32; the word means nothing.

alias Form = u32;

fn form_of(group: u32) -> Form {
  return group;
}

// index: word of the output; form: which four channels.
fn emit_float(index: u32, form: Form, accumulators: vec4<f32>) {
  let bits = bitcast<vec4<u32>>(accumulators);
  output[index] = bits.x ^ bits.y ^ bits.z ^ bits.w;
}
