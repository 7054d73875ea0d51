// A product and a sum, rounded once as IEEE says, ties to even, on bits. Integers only. Floats are zeros or normal numbers,
// and so are results.
//#import shared/float32_bits

fn significand_of(bits: u32) -> u32 {
  return (bits & 0x7fffffu) | 0x800000u;
}

// significand * 2^exponent with the sign, where the significand has 24 bits and `rest` is what is below, of 2^32.
fn rounded_float(sign: u32, exponent: u32, whole: u32, rest: u32) -> u32 {
  let up = rest > SIGN || (rest == SIGN && (whole & 1u) != 0u);
  // the hidden bit adds 1 to the exponent, and so does a carry
  return sign | (((exponent - 1u) << 23u) + whole + u32(up));
}

// n * b + c, rounded once; n is an integer below 2^8.
fn float32_fused(n: u32, b: u32, c: u32) -> u32 {
  let product = n * significand_of(b);
  if (product == 0u || (b & MAGNITUDE) == 0u) {
    return c;
  }
  // both as numbers of 64 bits, high and low, below 2^62, times 2^exponent
  let left = countLeadingZeros(product);
  let normal = product << left;
  var x = vec2<u32>(normal >> 2u, normal << 30u);
  var x_exponent = ((b & MAGNITUDE) >> 23u) + 8u - left;
  var x_sign = b & SIGN;
  var y = vec2<u32>(significand_of(c) << 6u, 0u);
  var y_exponent = (c & MAGNITUDE) >> 23u;
  var y_sign = c & SIGN;
  if ((c & MAGNITUDE) == 0u) {
    y = vec2<u32>();
  }
  if (y_exponent > x_exponent || (y_exponent == x_exponent && (y.x > x.x || (y.x == x.x && y.y > x.y)))) {
    let z = x;
    x = y;
    y = z;
    let z_exponent = x_exponent;
    x_exponent = y_exponent;
    y_exponent = z_exponent;
    let z_sign = x_sign;
    x_sign = y_sign;
    y_sign = z_sign;
  }
  y = shift_pair_sticky(y, x_exponent - y_exponent);
  var sum = x;
  if (x_sign == y_sign) {
    sum.y += y.y;
    sum.x += y.x + u32(sum.y < x.y);
  } else {
    sum.y -= y.y;
    sum.x -= y.x + u32(x.y < y.y);
  }
  if (sum.x == 0u && sum.y == 0u) {
    return 0u;
  }
  if (sum.x == 0u) {
    sum = vec2<u32>(sum.y, 0u);
    x_exponent -= 32u;
  }
  let zeros = countLeadingZeros(sum.x);
  if (zeros > 0u) {
    sum = vec2<u32>((sum.x << zeros) | (sum.y >> (32u - zeros)), sum.y << zeros);
  }
  let rest = (sum.x << 24u) | (sum.y >> 8u) | u32((sum.y & 255u) != 0u);
  return rounded_float(x_sign, x_exponent + 2u - zeros, sum.x >> 8u, rest);
}

// Shifted right, the bits that fall off kept as a sticky lowest bit.
fn shift_pair_sticky(value: vec2<u32>, count: u32) -> vec2<u32> {
  if (count == 0u) {
    return value;
  }
  if (count >= 64u) {
    return vec2<u32>(0u, u32((value.x | value.y) != 0u));
  }
  if (count >= 32u) {
    let kept = value.x >> (count - 32u);
    let lost = value.y != 0u || (kept << (count - 32u)) != value.x;
    return vec2<u32>(0u, kept | u32(lost));
  }
  let low = (value.x << (32u - count)) | (value.y >> count);
  let lost = (value.y >> count) << count != value.y;
  return vec2<u32>(value.x >> count, low | u32(lost));
}
