// code of two codes, from the table of all 65,536 pairs: four codes a word, row a.

@group(1) @binding($) var<storage, read> add_codes: array<u32>;

fn combine(a: vec4<i32>, b: vec4<i32>) -> vec4<u32> {
  let index = vec4<u32>(a * 256 + b);
  let at = index >> vec4<u32>(2u);
  let words = vec4<u32>(add_codes[at.x], add_codes[at.y], add_codes[at.z], add_codes[at.w]);
  return (words >> ((index & vec4<u32>(3u)) * 8u)) & vec4<u32>(255u);
}
