// The four lanes of a workgroup are a quad of a subgroup, and each loads one of four words: in slot s, a lane has the word
// of lane ^ s. A swap is one instruction; weights lie in the same order (packLaneWeights).
enable subgroups;
diagnostic(off, subgroup_uniformity);

fn lane_of(local_index: u32) -> u32 {
  return local_index;
}

fn slot_0(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return own;
}

fn slot_1(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapX(own);
}

fn slot_2(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapY(own);
}

fn slot_3(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return quadSwapDiagonal(own);
}
