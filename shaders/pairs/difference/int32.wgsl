// The pairs' sums, and what zero points have in them.

fn difference(sums: vec4<i32>, zeros: vec4<i32>) -> vec4<i32> {
  return sums + zeros;
}
