// No result: the sums in one word, in as few steps as keep all of them needed. Only for measuring: a layer's time with
// this in place of `output/codes` is its time without requantization and packing, with the same bytes written.
// |sums| as in the kernel; the word means nothing.

// index: word of the output; group: which four channels.
fn emit(index: u32, group: u32, accumulators: vec4<i32>) {
  output[index] = u32(accumulators.x ^ accumulators.y ^ accumulators.z ^ accumulators.w);
}
