// y[i] = 1 where a thread's pixels have one that is not opaque, else 0. x: RGBA, a word a pixel. A thread looks at pixels
// one grid apart.
//#import shared/threads

const THREADS = 1024u;

struct Geometry {
  pixels: u32,
  width: u32,
  row_words: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  var found = false;
  for (var pixel = index; pixel < geometry.pixels; pixel += THREADS) {
    let word = input[pixel / geometry.width * geometry.row_words + pixel % geometry.width];
    found = found || word >> 24u != 255u;
  }
  output[index] = u32(found);
}
