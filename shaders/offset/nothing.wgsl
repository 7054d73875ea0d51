// The zero point is in the sums.

alias Offset = u32;

fn offset_of(group: u32) -> Offset {
  return group;
}

fn offset_at(index: u32, offset: Offset) -> Sums {
  return Sums();
}
