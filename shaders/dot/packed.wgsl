// sum(a[i] * b[i]) over four signed bytes; |result| <= 4 * 2^14. Needs packed_4x8_integer_dot_product.
fn dot4(a: u32, b: u32) -> i32 {
  return dot4I8Packed(a, b);
}
