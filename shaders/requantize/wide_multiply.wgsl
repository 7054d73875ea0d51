// code = high word of (u * m + r) >> (s - 32), u = clamp(acc, origin, origin + span) - origin.
// u and m below 2^32; the 64-bit product in limbs of 16 bits, whose sums stay below 2^32.
@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;

fn requantize(accumulators: vec4<i32>, group: u32) -> vec4<u32> {
  let at = group * 6u;
  let origin = parameters[at];
  let u = vec4<u32>(clamp(accumulators, origin, origin + parameters[at + 1u]) - origin);
  let m = vec4<u32>(parameters[at + 2u]);
  let r_high = vec4<u32>(parameters[at + 3u]);
  let r_low = vec4<u32>(parameters[at + 4u]);
  let mask = vec4<u32>(0xffffu);
  let half = vec4<u32>(16u);
  let low_low = (u & mask) * (m & mask);
  let high_low = (u >> half) * (m & mask) + (low_low >> half);
  let low_high = (u & mask) * (m >> half) + (high_low & mask);
  let low = u * m;
  let high = (u >> half) * (m >> half) + (high_low >> half) + (low_high >> half);
  let carry = select(vec4<u32>(0u), vec4<u32>(1u), low + r_low < low);
  return (high + r_high + carry) >> vec4<u32>(parameters[at + 5u]);
}
