// code = (u * m + r) >> s, u = clamp(acc, origin, origin + span) - origin; proved at load: u * m + r < 2^32.
//#import shared/codes

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;

struct Form {
  least: vec4<i32>,
  most: vec4<i32>,
  m: vec4<u32>,
  r: vec4<u32>,
  s: vec4<u32>,
}

fn form_of(group: u32) -> Form {
  let at = FIRST_PARAMETER + group * 5u;
  let origin = parameters[at];
  return Form(
    origin,
    origin + parameters[at + 1u],
    vec4<u32>(parameters[at + 2u]),
    vec4<u32>(parameters[at + 3u]),
    vec4<u32>(parameters[at + 4u])
  );
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<i32>(sums);
  let u = vec4<u32>(clamp(accumulators, form.least, form.most) - form.least);
  return pack_codes((u * form.m + form.r) >> form.s);
}
