// Sums of products of signed bytes: words of four pixels with the weights of four channels, and what zero points of
// weights need. |dot4| <= 2^16; the sums wrap mod 2^32, and the corrected one is an int32 (proved at load).
//#slot dot: dot/ for dot4

const ONES = 0x01010101u;

struct Products {
  // of each pixel
  sums: array<vec4<i32>, 4>,
  // of each pixel's bytes alone
  x: vec4<i32>,
}

fn dot4_each(x: u32, w: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4(x, w.x), dot4(x, w.y), dot4(x, w.z), dot4(x, w.w));
}

fn byte_sums(x: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4(x.x, ONES), dot4(x.y, ONES), dot4(x.z, ONES), dot4(x.w, ONES));
}

fn add_products(products: ptr<function, Products>, x: vec4<u32>, w: vec4<u32>, has_weight_zero: bool) {
  //#for $i in 0..4
  (*products).sums[$i] += dot4_each(x[$i], w);
  //#end
  if (has_weight_zero) {
    (*products).x += byte_sums(x);
  }
}
