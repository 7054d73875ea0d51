// IEEE float64 arithmetic on bits, ties to even, in words from the lowest: of zero, and of normal numbers whose results
// are such again.

const SIGN_64 = 0x80000000u;

fn exponent_64(a: vec2<u32>) -> i32 {
  return i32((a.y >> 20u) & 0x7ffu);
}

// Of 53 bits.
fn significand_64(a: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x, (a.y & 0xfffffu) | 0x100000u);
}

fn is_zero_64(a: vec2<u32>) -> bool {
  return (a.x | (a.y & ~SIGN_64)) == 0u;
}

fn add_words(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + u32(low < a.x));
}

fn multiply_words(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let left = (a >> 16u) * (b & 0xffffu);
  let right = (a & 0xffffu) * (b >> 16u);
  let middle = (low >> 16u) + (left & 0xffffu) + (right & 0xffffu);
  return vec2<u32>(
    (low & 0xffffu) | (middle << 16u),
    (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u) + (middle >> 16u),
  );
}

fn shift_left_64(a: vec2<u32>, count: u32) -> vec2<u32> {
  if (count == 0u) {
    return a;
  }
  if (count > 31u) {
    return vec2<u32>(0u, a.x << (count - 32u));
  }
  return vec2<u32>(a.x << count, (a.y << count) | (a.x >> (32u - count)));
}

// The bits that fall off are kept as a sticky lowest bit.
fn shift_right_64(a: vec2<u32>, count: u32) -> vec2<u32> {
  if (count == 0u) {
    return a;
  }
  if (count > 63u) {
    return vec2<u32>(u32((a.x | a.y) != 0u), 0u);
  }
  if (count > 31u) {
    let kept = a.y >> (count - 32u);
    let lost = a.x | (a.y ^ (kept << (count - 32u)));
    return vec2<u32>(kept | u32(lost != 0u), 0u);
  }
  let lost = a.x & ((1u << count) - 1u);
  return vec2<u32>((a.x >> count) | (a.y << (32u - count)) | u32(lost != 0u), a.y >> count);
}

// 64 bits, the highest set, as a float64 of that exponent: 11 bits are rounded off.
fn round_64(sign: u32, exponent: i32, bits: vec2<u32>) -> vec2<u32> {
  let rest = bits.x & 0x7ffu;
  let kept = vec2<u32>((bits.x >> 11u) | (bits.y << 21u), bits.y >> 11u);
  let up = u32(rest > 0x400u || (rest == 0x400u && (kept.x & 1u) != 0u));
  let rounded = add_words(kept, vec2<u32>(up, 0u));
  // the hidden bit adds 1 to the exponent, and so does a carry out of the significand
  return vec2<u32>(rounded.x, sign | ((u32(exponent - 1) << 20u) + rounded.y));
}

fn float64_multiply(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let sign = (a.y ^ b.y) & SIGN_64;
  if (is_zero_64(a) || is_zero_64(b)) {
    return vec2<u32>(0u, sign);
  }
  let x = significand_64(a);
  let y = significand_64(b);
  // the product of 105 or 106 bits in four words
  let low = multiply_words(x.x, y.x);
  let left = multiply_words(x.x, y.y);
  let right = multiply_words(x.y, y.x);
  let high = multiply_words(x.y, y.y);
  let middle = add_words(add_words(left, right), vec2<u32>(low.y, 0u));
  let top = add_words(high, vec2<u32>(middle.y, 0u));
  // the highest 64 bits, and one that says whether there are others; bit 105 is bit 9 of the highest word
  let carry = top.y >> 9u;
  let count = 9u + carry;
  let sticky = u32((low.x | (middle.x & ((1u << count) - 1u))) != 0u);
  let bits = vec2<u32>((middle.x >> count) | (top.x << (32u - count)) | sticky, (top.x >> count) | (top.y << (32u - count)));
  return round_64(sign, exponent_64(a) + exponent_64(b) - 1023 + i32(carry), bits);
}

fn float64_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let a_magnitude = a.y & ~SIGN_64;
  let b_magnitude = b.y & ~SIGN_64;
  let swapped = a_magnitude < b_magnitude || (a_magnitude == b_magnitude && a.x < b.x);
  let large = select(a, b, swapped);
  let small = select(b, a, swapped);
  if (is_zero_64(large)) {
    // -0 only of two of them
    return vec2<u32>(0u, a.y & b.y);
  }
  if (is_zero_64(small)) {
    return large;
  }
  let exponent = exponent_64(large);
  // 10 bits behind the last place, of which the lowest is sticky, are enough
  let x = shift_left_64(significand_64(large), 10u);
  let y = shift_right_64(shift_left_64(significand_64(small), 10u), u32(exponent - exponent_64(small)));
  var sum = add_words(x, y);
  if (((large.y ^ small.y) & SIGN_64) != 0u) {
    sum = add_words(x, add_words(~y, vec2<u32>(1u, 0u)));
    if ((sum.x | sum.y) == 0u) {
      return vec2<u32>();
    }
  }
  let zeros = select(countLeadingZeros(sum.y), 32u + countLeadingZeros(sum.x), sum.y == 0u);
  return round_64(large.y & SIGN_64, exponent + 1 - i32(zeros), shift_left_64(sum, zeros));
}

fn float64_subtract(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return float64_add(a, vec2<u32>(b.x, b.y ^ SIGN_64));
}

// Of zero and of what is normal in float32, too.
fn float32_of_float64(a: vec2<u32>) -> u32 {
  let sign = a.y & SIGN_64;
  if (is_zero_64(a)) {
    return sign;
  }
  let significand = significand_64(a);
  let kept = (significand.y << 3u) | (significand.x >> 29u);
  let rest = significand.x & 0x1fffffffu;
  let up = u32(rest > 0x10000000u || (rest == 0x10000000u && (kept & 1u) != 0u));
  return sign | ((u32(exponent_64(a) - 1023 + 126) << 23u) + kept + up);
}
