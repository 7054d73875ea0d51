// The sum of four values, each times the float32 weights of its row and column, plus 0.5, truncated: every operation
// rounded as IEEE says, by integers. f32: values of 0 to 255 alone (of 2^24); weights are 0, or from 2^-26 to 2 in size.
//#import shared/float32_add
//#import shared/float32_multiply
//#import shared/float32_fused

// Are the weights of row and column multiplied with each other before the value? Then values are added row by row, else
// column by column, and the value is multiplied by the row's weight first.
override WEIGHTS_FIRST: bool;
// Is a product added without being rounded before? Then weights are first, too.
override FUSED: bool;

const HALF = 0x3f000000u;

// four: top left, top right, bottom left, bottom right.
fn code_between(four: vec4<i32>, of_rows: vec2<u32>, of_columns: vec2<u32>) -> u32 {
  let values = bitcast<vec4<u32>>(vec4<f32>(four));
  let rows = of_rows.xxyy;
  let columns = of_columns.xyxy;
  var sum = 0u;
  for (var i = 0u; i < 4u; i++) {
    // its place among the four
    let at = select((i & 1u) * 2u + (i >> 1u), i, WEIGHTS_FIRST);
    var a = values[at];
    var b = columns[at];
    if (WEIGHTS_FIRST) {
      b = float32_multiply(rows[at], b);
    } else {
      a = float32_multiply(a, rows[at]);
    }
    if (FUSED && i == 1u) {
      // of the first two the second product is rounded
      let first = float32_multiply(rows[0], columns[0]);
      sum = float32_fused(u32(four.x), first, float32_multiply(a, b));
    } else if (FUSED && i > 1u) {
      sum = float32_fused(u32(four[at]), b, sum);
    } else if (!FUSED) {
      sum = float32_add(sum, float32_multiply(a, b));
    }
  }
  let bits = float32_add(sum, HALF);
  let exponent = bits >> 23u;
  // below 1; a sum below zero is one by rounding
  if ((bits & SIGN) != 0u || exponent < 127u) {
    return 0u;
  }
  return ((bits & 0x7fffffu) | 0x800000u) >> (150u - exponent);
}
