// code = rne(clamp((acc + bias) * scale, least, most)) + zero, each step one f32 rounding to nearest, ties to even, as the
// engine has it. Only on devices that round so (probe.wgsl). acc: integers below 2^24. The sum with 1.5 * 2^23 rounds to an
// integer, whose bits are the integer plus SHIFT's bits: what that adds to the word, and the zero points, is one constant.

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;

const SHIFT = 12582912.0;

struct Form {
  bias: vec4<f32>,
  scale: vec4<f32>,
  least: f32,
  most: f32,
  // added to the sum of bits_j * 2^8j, mod 2^32
  rest: u32,
}

// parameters: [group of 4 channels] of least, most and rest, the same in all groups; then bias; then scale
fn form_of(group: u32) -> Form {
  let at = FIRST_PARAMETER + group * 3u;
  let layer = parameters[at];
  return Form(
    bitcast<vec4<f32>>(parameters[at + 1u]),
    bitcast<vec4<f32>>(parameters[at + 2u]),
    bitcast<f32>(layer.x),
    bitcast<f32>(layer.y),
    bitcast<u32>(layer.z)
  );
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<f32>(sums);
  let value = (accumulators + form.bias) * form.scale;
  // selects: min and max have NaNs to see to
  let low = select(value, vec4<f32>(form.least), value < vec4<f32>(form.least));
  let codes = bitcast<vec4<u32>>(select(low, vec4<f32>(form.most), low > vec4<f32>(form.most)) + SHIFT);
  return codes.x + codes.y * 256u + codes.z * 65536u + codes.w * 16777216u + form.rest;
}
