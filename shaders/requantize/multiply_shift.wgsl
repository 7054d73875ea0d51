// code = (u * m + r) >> s, u = clamp(acc, origin, origin + span) - origin; proved at load: u * m + r < 2^32.
@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;

fn requantize(accumulators: vec4<i32>, group: u32) -> vec4<u32> {
  let at = group * 5u;
  let origin = parameters[at];
  let u = vec4<u32>(clamp(accumulators, origin, origin + parameters[at + 1u]) - origin);
  let m = vec4<u32>(parameters[at + 2u]);
  let r = vec4<u32>(parameters[at + 3u]);
  return (u * m + r) >> vec4<u32>(parameters[at + 4u]);
}
