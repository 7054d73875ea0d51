// code = (u * m + r) >> s in limbs of 12 bits, u = clamp(acc, origin, origin + span) - origin.
// Proved at load: both sums stay below 2^32.
//#import shared/codes

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;

struct Form {
  least: vec4<i32>,
  most: vec4<i32>,
  m: vec4<u32>,
  r_high: vec4<u32>,
  r_low: vec4<u32>,
  s: vec4<u32>,
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
    vec4<u32>(parameters[at + 5u])
  );
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<i32>(sums);
  let u = vec4<u32>(clamp(accumulators, form.least, form.most) - form.least);
  let low = (u & vec4<u32>(4095u)) * form.m + form.r_low;
  let high = (u >> vec4<u32>(12u)) * form.m + form.r_high + (low >> vec4<u32>(12u));
  return pack_codes(high >> form.s);
}
