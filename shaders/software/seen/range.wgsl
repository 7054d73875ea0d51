// The range of what a thread of a workgroup of four writes: of all values but NaN the bits of the smallest, or of -0, and
// those of the largest, or of 0. Negative values are in order as uint32, others as int32. They stand behind the output,
// all of the smallest and then all of the largest.

@group(1) @binding($) var<storage, read> scaling: array<vec4<u32>>;

var<private> seen_least = 0x80000000u;
var<private> seen_most = 0;

fn see(values: vec4<u32>) {
  let low = max(values.xy, values.zw);
  let high = max(bitcast<vec2<i32>>(values.xy), bitcast<vec2<i32>>(values.zw));
  seen_least = max(seen_least, max(low.x, low.y));
  seen_most = max(seen_most, max(high.x, high.y));
}

// Sums that are written, or in place of what is written over some that are.
fn shown(is_inside: bool, sums: Sums, others: Sums) -> Sums {
  return select(others, sums, is_inside);
}

fn finish(thread: Thread) {
  let count = thread.workgroups;
  let own = (thread.workgroup.z * count.y + thread.workgroup.y) * count.x + thread.workgroup.x;
  let at = scaling[2].x + own * 4u + thread.local;
  output[at] = seen_least;
  output[at + count.x * count.y * count.z * 4u] = u32(seen_most);
}
