// The sum of four values, each times the integer weights of its row and column, over 2^SHIFT, rounded.
// |value| <= 255, weights add up to 2^(SHIFT / 2) in each direction and none is beyond twice that: |sum| < 2^31.

override SHIFT: u32;
// Is half rounded away from zero? Otherwise up.
override AWAY: bool;
// The code of the value 0.
override ZERO: u32;

// four: top left, top right, bottom left, bottom right.
fn code_between(four: vec4<i32>, of_rows: vec2<u32>, of_columns: vec2<u32>) -> u32 {
  let row = bitcast<vec2<i32>>(of_rows);
  let weights = row.xxyy * bitcast<vec2<i32>>(of_columns).xyxy;
  let products = (four - vec4<i32>(i32(ZERO))) * weights;
  let sum = products.x + products.y + products.z + products.w;
  let half = (1i << (SHIFT - 1u)) - select(0i, 1i, AWAY && sum < 0);
  return u32(((sum + half) >> SHIFT) + i32(ZERO));
}
