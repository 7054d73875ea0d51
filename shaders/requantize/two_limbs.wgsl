// code = (u * m + r) >> s in limbs of 12 bits, u = clamp(acc, origin, origin + span) - origin.
// Proved at load: both sums stay below 2^32.
@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;

fn requantize(accumulators: vec4<i32>, group: u32) -> vec4<u32> {
  let at = group * 6u;
  let origin = parameters[at];
  let u = vec4<u32>(clamp(accumulators, origin, origin + parameters[at + 1u]) - origin);
  let m = vec4<u32>(parameters[at + 2u]);
  let r_high = vec4<u32>(parameters[at + 3u]);
  let r_low = vec4<u32>(parameters[at + 4u]);
  let low = (u & vec4<u32>(4095u)) * m + r_low;
  let high = (u >> vec4<u32>(12u)) * m + r_high + (low >> vec4<u32>(12u));
  return high >> vec4<u32>(parameters[at + 5u]);
}
