// Without subgroups: each of the four lanes loads the words of all.
fn lane_of(local_index: u32) -> u32 {
  return local_index;
}

//#for l in 0..4
fn word_of_lane_l(own: u32, cursor: Cursor, first: u32) -> u32 {
  return load(cursor, place_of(first + l));
}
//#end
