// g = floor(u * m + c), u = clamp(acc, least, most); code = g + (u * M + R >= (g + 1) * P), R by the parity of g, but for
// listed accumulators. Accumulators are integers below 2^24 and u below 2^22, exact in f32. The guess may be rounded in
// any way: proved at load to be the code or one below. The check is exact: mod 2^32, the true difference below 2^31.
//#count EXCEPTIONS
//#import shared/codes

@group(1) @binding($) var<storage, read> parameters: array<vec4<i32>>;
override FIRST_PARAMETER: u32 = 0u;

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
  odd: vec4<i32>,
  //#for $e in 0..EXCEPTIONS
  accumulator_$e: vec4<f32>,
  code_$e: vec4<f32>,
  //#end
}

fn form_of(group: u32) -> Form {
  let at = FIRST_PARAMETER + group * (8u + 2u * EXCEPTIONS);
  return Form(
    bitcast<vec4<f32>>(parameters[at]),
    bitcast<vec4<f32>>(parameters[at + 1u]),
    bitcast<vec4<f32>>(parameters[at + 2u]),
    bitcast<vec4<f32>>(parameters[at + 3u]),
    parameters[at + 4u],
    parameters[at + 5u],
    parameters[at + 6u],
    parameters[at + 7u],
    //#for $e in 0..EXCEPTIONS
    bitcast<vec4<f32>>(parameters[at + 8u + 2u * $e]),
    bitcast<vec4<f32>>(parameters[at + 9u + 2u * $e]),
    //#end
  );
}

// Above 2^24 the conversion of int32 sums rounds, but only beyond what is clamped.
fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<f32>(sums);
  let u = min(max(accumulators, form.least), form.most);
  let guess = floor(u * form.m + form.c);
  let bits = bitcast<vec4<i32>>(guess + SHIFT);
  let line = bitcast<vec4<i32>>(u + SHIFT) * form.multiplier + form.offset + (bits & vec4<i32>(1)) * form.odd;
  var codes = guess + select(vec4<f32>(0.0), vec4<f32>(1.0), line - bits * form.period >= vec4<i32>(0));
  //#for $e in 0..EXCEPTIONS
  codes = select(codes, form.code_$e, accumulators == form.accumulator_$e);
  //#end
  return pack_floats(codes);
}
