// The code of a sum by bisection: for each d the sums, negated, from which on the code is larger. A float32's bits are in the
// order of the values.

@group(1) @binding($) var<storage, read> boundaries: array<i32>;

fn code_of(d: u32, sum: u32) -> u32 {
  var code = 0u;
  for (var step = 128u; step > 0u; step >>= 1u) {
    code += select(0u, step, -i32(sum) >= boundaries[d * 256u + code + step]);
  }
  return code;
}
