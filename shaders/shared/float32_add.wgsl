// IEEE float32 addition, ties to even, subnormals kept, on bits. Every sum of significands is below 2^28.
//#import shared/float32_bits

fn significand(bits: u32) -> u32 {
  let hidden = select(0u, 0x800000u, (bits & INFINITY_BITS) != 0u);
  return ((bits & 0x7fffffu) | hidden) << 3u;
}

fn float32_add(a: u32, b: u32) -> u32 {
  let swapped = (a & MAGNITUDE) < (b & MAGNITUDE);
  let x = select(a, b, swapped);
  let y = select(b, a, swapped);
  let opposite = ((x ^ y) & SIGN) != 0u;
  if ((x & MAGNITUDE) >= INFINITY_BITS) {
    let nan = (x & MAGNITUDE) > INFINITY_BITS || (opposite && (y & MAGNITUDE) == INFINITY_BITS);
    return select(x, NAN_BITS, nan);
  }
  var exponent = max((x & INFINITY_BITS) >> 23u, 1u);
  let distance = exponent - max((y & INFINITY_BITS) >> 23u, 1u);
  let smaller = shift_sticky(significand(y), distance);
  var sum = select(significand(x) + smaller, significand(x) - smaller, opposite);
  if (sum == 0u) {
    return select(x & SIGN, 0u, opposite);
  }
  if (sum >= 0x8000000u) {
    sum = shift_sticky(sum, 1u);
    exponent += 1u;
  } else {
    let left = min(countLeadingZeros(sum) - 5u, exponent - 1u);
    sum <<= left;
    exponent -= left;
  }
  return round_significand(x & SIGN, exponent, sum);
}
