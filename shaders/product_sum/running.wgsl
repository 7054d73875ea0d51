// Products are added one after the other; or in fours, of each block anew, where what is left over in it, and the first
// product of all, stand alone.

struct ProductSum {
  all: vec4<u32>,
  four: vec4<u32>,
  in_fours: bool,
  // a product that is the first of all
  is_empty: bool,
  // products in this block, counted from the first that may be one of four
  place: u32,
  // how many of those are in fours, and how many there are
  whole: u32,
  length: u32,
  // products behind this block
  left: u32,
}

fn begin_block(sum: ptr<function, ProductSum>, alone: u32) {
  let length = min(geometry.block, (*sum).left);
  (*sum).left -= length;
  (*sum).length = length - alone;
  (*sum).whole = (length - alone) & ~3u;
  (*sum).place = 0u;
}

fn begin_sum(start: vec4<u32>, is_empty: bool, in_fours: bool) -> ProductSum {
  var sum = ProductSum(start, vec4<u32>(), in_fours, is_empty, 0u, 0u, 0u, geometry.depth);
  begin_block(&sum, u32(is_empty));
  return sum;
}

fn add_product(sum: ptr<function, ProductSum>, product: vec4<u32>) {
  if ((*sum).is_empty) {
    (*sum).is_empty = false;
    (*sum).all = product;
  } else {
    if ((*sum).in_fours && (*sum).place < (*sum).whole) {
      if (((*sum).place & 3u) == 0u) {
        (*sum).four = product;
      } else {
        (*sum).four = float_add((*sum).four, product);
      }
      if (((*sum).place & 3u) == 3u) {
        (*sum).all = float_add((*sum).all, (*sum).four);
      }
    } else {
      (*sum).all = float_add((*sum).all, product);
    }
    (*sum).place++;
  }
  if ((*sum).place == (*sum).length) {
    begin_block(sum, 0u);
  }
}

fn end_sum(sum: ptr<function, ProductSum>) -> vec4<u32> {
  return (*sum).all;
}
