// Elements of 8 bits: four a word.
//#import shared/codes

fn read_element(at: u32) -> u32 {
  return (input[at >> 2u] >> ((at & 3u) * 8u)) & 255u;
}

fn write_elements(index: u32, elements: vec4<u32>) {
  output[index] = pack_codes(elements);
}
