// What IEEE float32 arithmetic on bits shares: integers only, for WGSL's own may round or flush as it likes.
// Significands have 24 bits and 3 guard bits.

const MAGNITUDE = 0x7fffffffu;
const SIGN = 0x80000000u;
const INFINITY_BITS = 0x7f800000u;
const NAN_BITS = 0x7fc00000u;

// Shifted right, the bits that fall off kept as a sticky lowest bit.
fn shift_sticky(value: u32, count: u32) -> u32 {
  if (count > 31u) {
    return u32(value != 0u);
  }
  let kept = value >> count;
  return kept | u32((kept << count) != value);
}

// significand * 2^exponent, ties to even; below 2^26 it is that of a subnormal, and the exponent 1.
fn round_significand(sign: u32, exponent: u32, significand: u32) -> u32 {
  // half of the last place is 4: up above it, and at it where the last place is odd
  let rest = significand & 7u;
  let rounded = (significand >> 3u) + u32(rest > 4u || (rest == 4u && (significand & 8u) != 0u));
  // the hidden bit of a normal number adds 1 to the exponent, and so does a carry out of the significand
  return sign | min(((exponent - 1u) << 23u) + rounded, INFINITY_BITS);
}
