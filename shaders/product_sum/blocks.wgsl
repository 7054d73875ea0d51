// Products are added up from 0 in blocks, and then the blocks' sums.

struct ProductSum {
  // of the blocks before; nothing yet, where there is none
  all: vec4<u32>,
  is_empty: bool,
  block: vec4<u32>,
  products: u32,
}

fn begin_sum(start: vec4<u32>, is_empty: bool, in_fours: bool) -> ProductSum {
  return ProductSum(start, is_empty, vec4<u32>(), 0u);
}

fn close_block(sum: ptr<function, ProductSum>) {
  if ((*sum).is_empty) {
    (*sum).all = (*sum).block;
  } else {
    (*sum).all = float_add((*sum).all, (*sum).block);
  }
  (*sum).is_empty = false;
  (*sum).block = vec4<u32>();
  (*sum).products = 0u;
}

fn add_product(sum: ptr<function, ProductSum>, product: vec4<u32>) {
  (*sum).block = float_add((*sum).block, product);
  (*sum).products++;
  if ((*sum).products == geometry.block) {
    close_block(sum);
  }
}

fn end_sum(sum: ptr<function, ProductSum>) -> vec4<u32> {
  if ((*sum).products > 0u) {
    close_block(sum);
  }
  return (*sum).all;
}
