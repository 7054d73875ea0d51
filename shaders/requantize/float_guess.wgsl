// x = the float32 of a key; g = clamp(floor(x * m + c), 0, 254), half a code low; code = g + (key >= boundary[g + 1]).
// Proved at load: however the guess is rounded, subnormal numbers are zero or not, it is the code or one below it. Not
// bound to integers below 2^24.
//#import shared/codes

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;
@group(1) @binding($) var<storage, read> boundaries: array<i32>;
override FIRST_BOUNDARY: u32 = 0u;

struct Form {
  m: vec4<f32>,
  c: vec4<f32>,
  // where the second boundary of each of the four channels is
  tables: vec4<u32>,
}

fn form_of(group: u32) -> Form {
  let tables = vec4<u32>(1u, 257u, 513u, 769u) + FIRST_BOUNDARY + group * 1024u;
  let at = FIRST_PARAMETER + group * 2u;
  return Form(bitcast<vec4<f32>>(parameters[at]), bitcast<vec4<f32>>(parameters[at + 1u]), tables);
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let keys = vec4<i32>(sums);
  let bits = select(keys, keys ^ vec4<i32>(0x7fffffff), keys < vec4<i32>(0));
  let guess = clamp(floor(bitcast<vec4<f32>>(bits) * form.m + form.c), vec4<f32>(0.0), vec4<f32>(254.0));
  let at = vec4<u32>(vec4<i32>(guess)) + form.tables;
  let above = vec4<i32>(boundaries[at.x], boundaries[at.y], boundaries[at.z], boundaries[at.w]);
  return pack_floats(guess + select(vec4<f32>(0.0), vec4<f32>(1.0), keys >= above));
}
