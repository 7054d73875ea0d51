// The scale and the zero point of a tensor that output/scaled wrote, behind it, from the ranges that seen/range left there;
// what was left as sums becomes values first. One workgroup.
//#import shared/threads
//#import shared/range_scale
//#import shared/float32_compare
//#slot mend: mend/ for is_left, mend, word_of
//#slot arithmetic: arithmetic/ for float_add, float_divide

struct Geometry {
  ranges_at: u32,
  ranges: u32,
  scale_at: u32,
  zero_at: u32,
  groups: u32,
  channels: u32,
  channel_groups: u32,
  pixels: u32,
  // the first element that is not seen where it is NaN
  tail: u32,
}

@group(0) @binding(0) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// As in seen/range.
struct Range {
  least: u32,
  most: i32,
}

const THREADS = 16u;

var<workgroup> ranges: array<Range, THREADS>;

fn joined(a: Range, b: Range) -> Range {
  return Range(max(a.least, b.least), max(a.most, b.most));
}

fn has_nan(range: Range) -> bool {
  return range.least > (SIGN | INFINITY_BITS) || range.most > i32(INFINITY_BITS);
}

// Of all threads.
fn of_all(own: Range, local: u32) -> Range {
  workgroupBarrier();
  ranges[local] = own;
  workgroupBarrier();
  var all = ranges[0];
  for (var other = 1u; other < THREADS; other++) {
    all = joined(all, ranges[other]);
  }
  return all;
}

// Of a thread's values, each looked at again.
fn look(local: u32) -> Range {
  var range = Range(SIGN, 0);
  for (var index = local; index < geometry.groups; index += THREADS) {
    let group = index % geometry.channel_groups;
    let pixel = index / geometry.channel_groups;
    for (var lane = 0u; lane < min(4u, geometry.channels - group * 4u); lane++) {
      let value = output[word_of(index, lane)];
      let image = pixel / geometry.pixels;
      let element = (image * geometry.channels + group * 4u + lane) * geometry.pixels + pixel % geometry.pixels;
      if ((value & MAGNITUDE) <= INFINITY_BITS || element < geometry.tail) {
        range = joined(range, Range(value, bitcast<i32>(value)));
      }
    }
  }
  return range;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) local: u32) {
  var range = Range(SIGN, 0);
  let is_whole = !is_left();
  if (is_whole) {
    for (var part = local; part < geometry.ranges; part += THREADS) {
      let at = geometry.ranges_at + part;
      range = joined(range, Range(output[at], bitcast<i32>(output[at + geometry.ranges])));
    }
  } else {
    for (var index = local; index < geometry.groups; index += THREADS) {
      mend(index, index % geometry.channel_groups);
    }
  }
  var all = of_all(range, local);
  if (!is_whole || has_nan(all)) {
    range = look(local);
  }
  all = of_all(range, local);
  if (local > 0u) {
    return;
  }
  // -0 is 0
  var least = select(all.least, 0u, all.least == SIGN);
  var most = u32(all.most);
  if (has_nan(all)) {
    least = NAN_BITS;
    most = NAN_BITS;
  }
  output[geometry.scale_at] = scale_of(least, most).x;
  output[geometry.zero_at] = zero_point_of(least, most);
}
