// g = floor(u * m + c), u = clamp(acc, least, most); code = g + (u * M + R >= (g + 1) * P), but for listed accumulators.
// Accumulators are integers below 2^24 and u below 2^22, exact in f32. The guess may be rounded in any way: proved at
// load to be the code or one below it for every u. The check is exact: integers mod 2^32, the true difference below 2^31.
@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;

// An integer below 2^22 plus this is exact, and the sum's bits are the integer plus this one's bits.
const SHIFT = 12582912.0;

struct Form {
  least: vec4<f32>,
  most: vec4<f32>,
  m: vec4<f32>,
  c: vec4<f32>,
  // of u and of the guess in the check; what the bits of SHIFT add is taken off in `offset`
  multiplier: vec4<i32>,
  period: vec4<i32>,
  offset: vec4<i32>,
  // the group's exceptions in `parameters`: pairs of an accumulator of each of the four channels, and its code
  first: u32,
  end: u32,
}

fn form_of(group: u32) -> Form {
  let at = group * 8u;
  let range = parameters[at + 7u];
  return Form(
    bitcast<vec4<f32>>(parameters[at]),
    bitcast<vec4<f32>>(parameters[at + 1u]),
    bitcast<vec4<f32>>(parameters[at + 2u]),
    bitcast<vec4<f32>>(parameters[at + 3u]),
    parameters[at + 4u],
    parameters[at + 5u],
    parameters[at + 6u],
    u32(range.x),
    u32(range.y)
  );
}

fn requantize_float(form: Form, accumulators: vec4<f32>) -> u32 {
  let u = min(max(accumulators, form.least), form.most);
  let guess = floor(u * form.m + form.c);
  let difference =
    bitcast<vec4<i32>>(u + SHIFT) * form.multiplier - bitcast<vec4<i32>>(guess + SHIFT) * form.period + form.offset;
  var codes = guess + select(vec4<f32>(0.0), vec4<f32>(1.0), difference >= vec4<i32>(0));
  for (var i = form.first; i < form.end; i += 2u) {
    codes = select(codes, bitcast<vec4<f32>>(parameters[i + 1u]), accumulators == bitcast<vec4<f32>>(parameters[i]));
  }
  return pack_floats(codes);
}

// Above 2^24 the conversion rounds, but only beyond what is clamped.
fn requantize(form: Form, accumulators: vec4<i32>) -> u32 {
  return requantize_float(form, vec4<f32>(accumulators));
}
