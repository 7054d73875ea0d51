// y = x, in NCHW order. A word of y a thread.
//#import shared/threads
//#import shared/dense

struct Geometry {
  dense: Dense,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let dense = geometry.dense;
  if (index >= dense.words) {
    return;
  }
  var word = 0u;
  if (LANES == 1u) {
    for (var lane = 0u; lane < min(4u, dense.elements - index * 4u); lane++) {
      let element = index * 4u + lane;
      word |= ((input[padded_word(dense, element)] >> (padded_byte(dense, element) * 8u)) & 255u) << (lane * 8u);
    }
  } else {
    let words = LANES / 4u;
    word = input[padded_word(dense, index / words) + index % words];
  }
  output[index] = word;
}
