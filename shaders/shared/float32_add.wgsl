// IEEE float32 addition, ties to even, subnormals kept, on bits: WGSL's own may round or flush as it likes.
// Integers only; the significands have 24 bits and 3 guard bits, so every sum is below 2^28.

const MAGNITUDE = 0x7fffffffu;
const SIGN = 0x80000000u;
const INFINITY_BITS = 0x7f800000u;
const NAN_BITS = 0x7fc00000u;

fn significand(bits: u32) -> u32 {
  let hidden = select(0u, 0x800000u, (bits & INFINITY_BITS) != 0u);
  return ((bits & 0x7fffffu) | hidden) << 3u;
}

// Shifted right, the bits that fall off kept as a sticky lowest bit.
fn shift_sticky(value: u32, count: u32) -> u32 {
  if (count > 27u) {
    return u32(value != 0u);
  }
  let kept = value >> count;
  return kept | u32((kept << count) != value);
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
  // half of the last place is 4: up above it, and at it where the last place is odd
  let rest = sum & 7u;
  let rounded = (sum >> 3u) + u32(rest > 4u || (rest == 4u && (sum & 8u) != 0u));
  // the hidden bit of a normal number adds 1 to the exponent, and so does a carry out of the significand
  let magnitude = min(((exponent - 1u) << 23u) + rounded, INFINITY_BITS);
  return (x & SIGN) | magnitude;
}
