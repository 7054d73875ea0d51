// A float32 value as an integer, ties to even, on bits. |result| <= 2^16; NaN becomes -2^16.
//#import shared/float32_bits

fn float32_to_int(bits: u32) -> i32 {
  const LIMIT = 65536;
  let magnitude = bits & MAGNITUDE;
  if (magnitude > INFINITY_BITS) {
    return -LIMIT;
  }
  var whole = LIMIT;
  // below 2^16
  if (magnitude < 0x47800000u) {
    // below 1/4, too, all bits are behind the point
    let exponent = max(magnitude >> 23u, 125u);
    let significand = select(0u, (magnitude & 0x7fffffu) | 0x800000u, magnitude >= 0x3e800000u);
    let places = 150u - exponent;
    let kept = significand >> places;
    let rest = significand << (32u - places);
    whole = i32(kept + u32(rest > SIGN || (rest == SIGN && (kept & 1u) != 0u)));
  }
  return select(whole, -whole, bits >= SIGN);
}
