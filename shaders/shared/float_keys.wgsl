// float32 bits as int32 keys in the order of the floats: of negative numbers all bits but the sign are flipped.
fn float_keys(bits: vec4<i32>) -> vec4<i32> {
  return select(bits, bits ^ vec4<i32>(0x7fffffff), bits < vec4<i32>(0));
}
