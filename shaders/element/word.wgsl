// Elements of 32 bits: four words a group.

fn read_element(at: u32) -> u32 {
  return input[at];
}

fn write_elements(index: u32, elements: vec4<u32>) {
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = elements[lane];
  }
}
