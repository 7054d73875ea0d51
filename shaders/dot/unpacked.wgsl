// sum(a[i] * b[i]) over four signed bytes; |result| <= 4 * 2^14. For devices without the packed dot product.
fn signed_bytes(word: u32) -> vec4<i32> {
  return vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}

fn dot4(a: u32, b: u32) -> i32 {
  let products = signed_bytes(a) * signed_bytes(b);
  return products.x + products.y + products.z + products.w;
}
