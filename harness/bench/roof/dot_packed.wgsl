// Eight independent chains of packed dot products of four bytes in registers. Needs packed_4x8_integer_dot_product.
// Sums wrap mod 2^32; the next product takes the sum's own bytes, so that none can be known beforehand.
// output: one word a thread, so that nothing is left out.

@group(0) @binding(0) var<storage, read_write> output: array<f32>;
override ROUNDS: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let w = 0x01fe7f80u ^ id.x;
  var a = vec4<i32>(i32(id.x), 1, 2, 3);
  var b = vec4<i32>(4, 5, 6, 7);
  for (var i = 0u; i < ROUNDS; i++) {
    a.x += dot4I8Packed(u32(a.x), w);
    a.y += dot4I8Packed(u32(a.y), w);
    a.z += dot4I8Packed(u32(a.z), w);
    a.w += dot4I8Packed(u32(a.w), w);
    b.x += dot4I8Packed(u32(b.x), w);
    b.y += dot4I8Packed(u32(b.y), w);
    b.z += dot4I8Packed(u32(b.z), w);
    b.w += dot4I8Packed(u32(b.w), w);
  }
  let sum = a + b;
  output[id.x] = f32(sum.x ^ sum.y ^ sum.z ^ sum.w);
}
