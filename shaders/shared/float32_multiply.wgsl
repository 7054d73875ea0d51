// IEEE float32 multiplication, and int32 as float32: ties to even, subnormals kept, on bits.
//#import shared/float32_bits

fn float32_of(x: i32) -> u32 {
  let magnitude = select(u32(x), ~u32(x) + 1u, x < 0);
  if (magnitude == 0u) {
    return 0u;
  }
  let zeros = countLeadingZeros(magnitude);
  // 27 bits
  let significand = shift_sticky(magnitude << zeros, 5u);
  return round_significand(u32(x) & SIGN, 158u - zeros, significand);
}

fn float32_multiply(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & SIGN;
  let large = max(a & MAGNITUDE, b & MAGNITUDE);
  let small = min(a & MAGNITUDE, b & MAGNITUDE);
  if (large >= INFINITY_BITS) {
    return select(sign | INFINITY_BITS, NAN_BITS, large > INFINITY_BITS || small == 0u);
  }
  if (small == 0u) {
    return sign;
  }
  // of 24 bits: only one of two can be subnormal with a product that is not next to nothing, but both are normalised
  var x = (large & 0x7fffffu) | select(0u, 0x800000u, large >= 0x800000u);
  var y = (small & 0x7fffffu) | select(0u, 0x800000u, small >= 0x800000u);
  let left_x = countLeadingZeros(x) - 8u;
  let left_y = countLeadingZeros(y) - 8u;
  x <<= left_x;
  y <<= left_y;
  var exponent = i32(max(large >> 23u, 1u) + max(small >> 23u, 1u)) - i32(left_x + left_y) - 126;
  // the product of 48 bits as two halves, from limbs of 12 bits
  let middle = (x >> 12u) * (y & 0xfffu) + (x & 0xfffu) * (y >> 12u);
  let lower = (x & 0xfffu) * (y & 0xfffu) + ((middle & 0xfffu) << 12u);
  var high = (x >> 12u) * (y >> 12u) + (middle >> 12u) + (lower >> 24u);
  var low = lower & 0xffffffu;
  if (high < 0x800000u) {
    high = (high << 1u) | (low >> 23u);
    low = (low << 1u) & 0xffffffu;
    exponent -= 1;
  }
  var significand = (high << 3u) | shift_sticky(low, 21u);
  if (exponent < 1) {
    significand = shift_sticky(significand, u32(1 - exponent));
    exponent = 1;
  }
  return round_significand(sign, u32(exponent), significand);
}
