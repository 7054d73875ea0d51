// code = high word of (u * m + r) >> (s - 32), u = clamp(acc, origin, origin + span) - origin.
// u and m below 2^32; the 64-bit product in limbs of 16 bits, whose sums stay below 2^32.
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
  let mask = vec4<u32>(0xffffu);
  let half = vec4<u32>(16u);
  let low_low = (u & mask) * (form.m & mask);
  let high_low = (u >> half) * (form.m & mask) + (low_low >> half);
  let low_high = (u & mask) * (form.m >> half) + (high_low & mask);
  let low = u * form.m;
  let high = (u >> half) * (form.m >> half) + (high_low >> half) + (low_high >> half);
  let carry = select(vec4<u32>(0u), vec4<u32>(1u), low + form.r_low < low);
  return pack_codes((high + form.r_high + carry) >> form.s);
}
