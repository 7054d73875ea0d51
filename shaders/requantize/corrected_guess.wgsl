// g = ((u >> k) * m + r) >> s, u = clamp(acc, origin, origin + span) - origin; code = g + (acc >= boundary[g + 1]).
// Proved at load: g is the code or one below it, and the product stays below 2^32.
//#import shared/codes

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;
@group(1) @binding($) var<storage, read> boundaries: array<i32>;
override FIRST_BOUNDARY: u32 = 0u;

struct Form {
  least: vec4<i32>,
  most: vec4<i32>,
  m: vec4<u32>,
  r: vec4<u32>,
  k: vec4<u32>,
  s: vec4<u32>,
  // where the four channels' boundaries begin
  tables: vec4<u32>,
}

fn form_of(group: u32) -> Form {
  let at = FIRST_PARAMETER + group * 6u;
  let origin = parameters[at];
  return Form(
    origin,
    origin + parameters[at + 1u],
    vec4<u32>(parameters[at + 2u]),
    vec4<u32>(parameters[at + 3u]),
    vec4<u32>(parameters[at + 4u]),
    vec4<u32>(parameters[at + 5u]),
    vec4<u32>(0u, 256u, 512u, 768u) + FIRST_BOUNDARY + group * 1024u
  );
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<i32>(sums);
  let u = vec4<u32>(clamp(accumulators, form.least, form.most) - form.least);
  let guess = min(((u >> form.k) * form.m + form.r) >> form.s, vec4<u32>(254u));
  let next = form.tables + guess + 1u;
  let above = vec4<i32>(boundaries[next.x], boundaries[next.y], boundaries[next.z], boundaries[next.w]);
  return pack_codes(guess + select(vec4<u32>(0u), vec4<u32>(1u), accumulators >= above));
}
