// Both sums rounded as float32 values are, in integers, before they are added. |sum| <= 2^31 - 128.

// The nearest float32, ties to even, in integers: 24 bits are left.
fn to_float32(sums: vec4<i32>) -> vec4<i32> {
  let magnitude = vec4<u32>(abs(sums));
  let last = vec4<u32>(1u) << (vec4<u32>(8u) - min(countLeadingZeros(magnitude), vec4<u32>(8u)));
  let rest = magnitude & (last - 1u);
  let kept = magnitude - rest;
  let is_odd = (kept & last) != vec4<u32>();
  let up = (rest * 2u > last) | ((rest * 2u == last) & is_odd);
  let rounded = vec4<i32>(kept + select(vec4<u32>(), last, up));
  return select(rounded, -rounded, sums < vec4<i32>());
}

fn difference(sums: vec4<i32>, zeros: vec4<i32>) -> vec4<i32> {
  return to_float32(sums) + to_float32(zeros);
}
