// Polynomials by Horner's rule, every product and sum rounded; their coefficients are constants, the highest power first.

fn polynomial(first: u32, count: u32, x: vec4<u32>) -> vec4<u32> {
  var sum = constant(first);
  for (var i = 1u; i < count; i++) {
    sum = float_add(float_multiply(sum, x), constant(first + i));
  }
  return sum;
}
