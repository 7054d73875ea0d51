// A sum of float32 values, each addition rounded as IEEE says, by integers; its code by bisection: for each d the bits of
// the sums from which on the code is smaller, negated.
//#import shared/float32_add

@group(1) @binding($) var<storage, read> boundaries: array<i32>;

fn add_term(sum: u32, term: u32) -> u32 {
  return float32_add(sum, term);
}

fn code_of(d: u32, sum: u32) -> u32 {
  var code = 0u;
  for (var step = 128u; step > 0u; step >>= 1u) {
    code += select(0u, step, -i32(sum) >= boundaries[d * 256u + code + step]);
  }
  return code;
}
