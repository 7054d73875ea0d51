// y[i] = 1 + the first element of those that a thread looks at which is no number; 0: all are numbers.
// x: bits of float32. A thread looks at elements one grid apart.
//#import shared/threads

const THREADS = 1024u;

struct Geometry {
  elements: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  var found = 0u;
  for (var element = index; element < geometry.elements; element += THREADS) {
    if (found == 0u && (input[element] & 0x7fffffffu) > 0x7f800000u) {
      found = element + 1u;
    }
  }
  output[index] = found;
}
