// g = ((u >> k) * m + r) >> s, u = clamp(acc, origin, origin + span) - origin; code = g + (acc >= boundary[g + 1]).
// Proved at load: g is the code or one below it, and the product stays below 2^32.
@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;
@group(1) @binding(1) var<storage, read> boundaries: array<i32>;

fn requantize(accumulators: vec4<i32>, group: u32) -> vec4<u32> {
  let at = group * 6u;
  let origin = parameters[at];
  let u = vec4<u32>(clamp(accumulators, origin, origin + parameters[at + 1u]) - origin);
  let m = vec4<u32>(parameters[at + 2u]);
  let r = vec4<u32>(parameters[at + 3u]);
  let line = ((u >> vec4<u32>(parameters[at + 4u])) * m + r) >> vec4<u32>(parameters[at + 5u]);
  let guess = min(line, vec4<u32>(254u));
  let next = vec4<u32>(0u, 256u, 512u, 768u) + group * 1024u + guess + 1u;
  let above = vec4<i32>(boundaries[next.x], boundaries[next.y], boundaries[next.z], boundaries[next.w]);
  return guess + select(vec4<u32>(0u), vec4<u32>(1u), accumulators >= above);
}
