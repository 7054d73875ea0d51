// The smallest and the largest of many ranges: float32 bits, of NaN where one was seen.
//#import shared/threads
//#import shared/float_keys

struct Geometry {
  ranges: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<i32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

var<workgroup> ranges: array<vec2<i32>, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) local: u32) {
  var range = vec2<i32>();
  for (var index = local; index < geometry.ranges; index += WORKGROUP_SIZE) {
    let other = input[index].xy;
    range = vec2<i32>(min(range.x, other.x), max(range.y, other.y));
  }
  ranges[local] = range;
  workgroupBarrier();
  if (local > 0u) {
    return;
  }
  for (var other = 1u; other < WORKGROUP_SIZE; other++) {
    range = vec2<i32>(min(range.x, ranges[other].x), max(range.y, ranges[other].y));
  }
  // -0 is 0
  range.x = select(range.x, 0, range.x == -1);
  let is_nan = range.y > 0x7f800000;
  output[0] = select(float_keys(vec4<i32>(range, 0, 0)), vec4<i32>(0x7fc00000), vec4<bool>(is_nan));
}
