// y = x, in the layout of tensors in GPU memory; what pads channels is zero. A word of y a thread.
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
  let group = index / LANES;
  let pixel = group / dense.channel_groups;
  let image = pixel / dense.pixels;
  let first = group % dense.channel_groups * 4u;
  var word = 0u;
  if (LANES == 1u) {
    for (var lane = 0u; lane < min(4u, dense.channels - first); lane++) {
      let element = (image * dense.channels + first + lane) * dense.pixels + pixel % dense.pixels;
      word |= ((input[element / 4u] >> (element % 4u * 8u)) & 255u) << (lane * 8u);
    }
  } else {
    let words = LANES / 4u;
    let channel = first + index % LANES / words;
    if (channel < dense.channels) {
      word = input[((image * dense.channels + channel) * dense.pixels + pixel % dense.pixels) * words + index % words];
    }
  }
  output[index] = word;
}
