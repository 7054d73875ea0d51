// Float32 values as integers, ties to even: what lies beyond 2^10 becomes 2^10, and NaN -2^10.
//#import shared/float32_compare
//#import shared/float32_lanes

fn float_to_int(x: vec4<u32>) -> vec4<i32> {
  const LIMIT = 0x44800000u; // 2^10
  const INTEGERS = 0x4b400000u; // 1.5 * 2^23: what is added to it is rounded to an integer, in its last bits
  let clipped = float_clip(x, vec4<u32>(LIMIT | SIGN), vec4<u32>(LIMIT));
  let sum = add_lanes(clipped, clipped, vec4<u32>(INTEGERS), 4u);
  return select(bitcast<vec4<i32>>(sum) - vec4<i32>(i32(INTEGERS)), vec4<i32>(-1024), is_nan(x));
}
