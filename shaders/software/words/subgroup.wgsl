// The four lanes of a workgroup are a quad of a subgroup, and each loads one of four words: word_of_s is the word of
// lane ^ s. A swap is one instruction; weights lie in the same order (packLaneWeights).
enable subgroups;
diagnostic(off, subgroup_uniformity);

fn word_of_0(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return own;
}

fn word_of_1(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapX(own);
}

fn word_of_2(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapY(own);
}

fn word_of_3(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapDiagonal(own);
}
