// The largest.

// The least finite value.
const START = 0xff7fffffu;

// As std::max has it: the first where none is less.
fn take(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return select(a, b, float_less(a, b));
}

// As vectors have it: of two zeros 0, of NaN and a number NaN.
fn take_vector(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let larger = select(take(a, b), a & b, ((a | b) & vec4<u32>(MAGNITUDE)) == vec4<u32>());
  return select(larger, vec4<u32>(NAN_BITS), is_nan(a) | is_nan(b));
}

fn finish(largest: vec4<u32>, count: i32) -> vec4<u32> {
  return largest;
}
