// e^x, x not above 88: 2^whole times a polynomial of the rest. Constants from `first` on: log2 e, what rounds to an integer
// where it is added, and -ln 2 in two parts.

struct Reduced {
  // 2^whole; 0 where that is below the least normal number
  power: vec4<u32>,
  rest: vec4<u32>,
}

fn reduced(x: vec4<u32>, first: u32) -> Reduced {
  let round = constant(first + 1u);
  let raised = float_add(float_multiply(x, constant(first)), round);
  let whole = float_add(raised, round ^ vec4<u32>(SIGN));
  let rest = float_add(float_multiply(whole, constant(first + 2u)), x);
  let power = (raised << vec4<u32>(23u)) + vec4<u32>(0x3f800000u);
  return Reduced(power, float_add(float_multiply(whole, constant(first + 3u)), rest));
}
