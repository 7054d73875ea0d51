// IEEE float32 division and square root: ties to even, subnormals kept, on bits.
//#import shared/float32_bits

// A significand of 24 bits, normalised, and its exponent: times 2^(exponent - 150).
struct Normal {
  significand: u32,
  exponent: i32,
}

fn normal_of(magnitude: u32) -> Normal {
  let significand = (magnitude & 0x7fffffu) | select(0u, 0x800000u, magnitude >= 0x800000u);
  let left = countLeadingZeros(significand) - 8u;
  return Normal(significand << left, i32(max(magnitude >> 23u, 1u)) - i32(left));
}

fn float32_divide(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & SIGN;
  let x = a & MAGNITUDE;
  let y = b & MAGNITUDE;
  if (max(x, y) > INFINITY_BITS || (x == y && (x == 0u || x == INFINITY_BITS))) {
    return NAN_BITS;
  }
  if (x == INFINITY_BITS || y == 0u) {
    return sign | INFINITY_BITS;
  }
  if (y == INFINITY_BITS || x == 0u) {
    return sign;
  }
  let n = normal_of(x);
  let d = normal_of(y);
  // the quotient of the significands is at least 1 and below 2: 23 binary places and 3 guard bits of it, a few at a time
  let is_less = n.significand < d.significand;
  var rest = select(n.significand, n.significand << 1u, is_less) << 7u;
  var exponent = n.exponent - d.exponent + 127 - i32(is_less);
  var quotient = rest / d.significand;
  rest -= quotient * d.significand;
  for (var i = 0u; i < 2u; i++) {
    let digits = (rest << 8u) / d.significand;
    rest = (rest << 8u) - digits * d.significand;
    quotient = (quotient << 8u) | digits;
  }
  let digits = (rest << 3u) / d.significand;
  rest = (rest << 3u) - digits * d.significand;
  var significand = (quotient << 3u) | digits | u32(rest != 0u);
  if (exponent < 1) {
    significand = shift_sticky(significand, u32(1 - exponent));
    exponent = 1;
  }
  return round_significand(sign, u32(exponent), significand);
}

fn float32_sqrt(a: u32) -> u32 {
  let x = a & MAGNITUDE;
  if (x == 0u || a == INFINITY_BITS) {
    return a;
  }
  if (x > INFINITY_BITS || (a & SIGN) != 0u) {
    return NAN_BITS;
  }
  let n = normal_of(x);
  // radicand * 2^power, power even; the root of radicand * 2^28 has 27 bits, which are found one by one
  let is_odd = (n.exponent & 1) == 0;
  let radicand = n.significand << select(1u, 2u, is_odd);
  let power = n.exponent - 150 - select(1, 2, is_odd);
  var root = 0u;
  var rest = 0u;
  for (var place = 0u; place < 27u; place++) {
    let next = select(0u, (radicand >> (24u - 2u * min(place, 12u))) & 3u, place < 13u);
    rest = (rest << 2u) | next;
    let trial = (root << 2u) | 1u;
    root <<= 1u;
    if (rest >= trial) {
      rest -= trial;
      root |= 1u;
    }
  }
  return round_significand(0u, u32(power / 2 - 14 + 153), root | u32(rest != 0u));
}
