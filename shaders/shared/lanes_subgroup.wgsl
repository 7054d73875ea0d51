// The four lanes of a workgroup are a quad of a subgroup: a word that one loaded is broadcast to all.
enable subgroups;
diagnostic(off, subgroup_uniformity);

fn lane_of(local_index: u32) -> u32 {
  return local_index;
}

//#for l in 0..4
fn word_of_lane_l(own: u32, cursor: Cursor, first: u32) -> u32 {
  return quadBroadcast(own, l);
}
//#end
