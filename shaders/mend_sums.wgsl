// What output/scaled has left as sums, for the scale of the input was not moderate: in place.
//#import shared/threads
//#slot mend: mend/ for is_left, mend

struct Geometry {
  groups: u32,
  channel_groups: u32,
  threads: u32,
}

@group(0) @binding(0) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  if (!is_left()) {
    return;
  }
  for (var index = thread_index(thread); index < geometry.groups; index += geometry.threads) {
    mend(index, index % geometry.channel_groups);
  }
}
