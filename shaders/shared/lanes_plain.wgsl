// Without subgroups, every lane loads all words: in slot s, the word that lane ^ s would load.

fn lane_of(local_index: u32) -> u32 {
  return local_index;
}

//#for s in 0..4
fn slot_s(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return load(cursor, place_of(word, ahead + (lane ^ s) - lane));
}
//#end
