// gemmlowp's fixed point: the reciprocal of a sum of Q12.19 values, by three steps of Newton's, times an exponential in Q0.31.

@group(1) @binding($) var<storage, read> exponentials: array<i32>;

// a * b of 32 bits, as (upper, lower) words.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu);
  let second = (a & 0xffffu) * (b >> 16u);
  let middle = (low >> 16u) + (first & 0xffffu) + (second & 0xffffu);
  let upper = (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u) + (middle >> 16u);
  return vec2<u32>(upper, (middle << 16u) | (low & 0xffffu));
}

// floor((a * b + 2^30) / 2^31)
fn high_multiply(a: i32, b: i32) -> i32 {
  let product = wide_product(u32(abs(a)), u32(abs(b)));
  let negative = (a < 0) != (b < 0) && a != 0 && b != 0;
  // two's complement of 64 bits
  let low = select(product.y, ~product.y + 1u, negative);
  let high = select(product.x, ~product.x + u32(product.y == 0u), negative);
  let rounded = low + 0x40000000u;
  let carried = high + u32(rounded < low);
  return i32((carried << 1u) | (rounded >> 31u));
}

// x * 4, saturated
fn quadruple(x: i32) -> i32 {
  return clamp(x, -0x20000000, 0x1fffffff) * 4 + select(0, 3, x > 0x1fffffff);
}

// half away from zero, of x >= 0; what is shifted by more than 31 is nothing
fn shift_away(x: i32, shift: u32) -> i32 {
  if (shift > 31u) {
    return 0;
  }
  let mask = i32((1u << shift) - 1u);
  return (x >> shift) + i32((x & mask) > (mask >> 1u));
}

fn code_of(d: u32, sum: u32) -> u32 {
  let zeros = countLeadingZeros(sum);
  let half = i32(sum << (zeros - 1u));
  var x = 1515870810 + high_multiply(half, -1010580540);
  for (var i = 0u; i < 3u; i++) {
    x += quadruple(high_multiply(x, 0x20000000 - high_multiply(half, x)));
  }
  let scale = select(x * 2, 0x7fffffff, x > 0x3fffffff);
  let shift = 35u - zeros;
  return u32(clamp(shift_away(high_multiply(exponentials[d], scale), shift), 0, 255));
}
