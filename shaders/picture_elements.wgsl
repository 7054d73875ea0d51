// y = what each byte of each channel becomes, of a part of a picture: NCHW, three channels, elements of 8 bits four a word.
// x: RGBA, a word a pixel; values: 256 words a channel, the bits of elements. A word of y a thread.
//#import shared/threads

// Of an element: 1 or 4.
override BYTES: u32;

struct Geometry {
  words: u32,
  width: u32,
  pixels: u32,
  row_words: u32,
  first: u32,
  // blue first
  reversed: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn element(index: u32) -> u32 {
  let channel = index / geometry.pixels;
  let pixel = index % geometry.pixels;
  let word = input[geometry.first + pixel / geometry.width * geometry.row_words + pixel % geometry.width];
  let byte = (word >> (select(channel, 2u - channel, geometry.reversed != 0u) * 8u)) & 255u;
  return values[channel * 256u + byte];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.words) {
    return;
  }
  if (BYTES == 4u) {
    output[index] = element(index);
    return;
  }
  var word = 0u;
  for (var lane = 0u; lane < min(4u, geometry.pixels * 3u - index * 4u); lane++) {
    word |= element(index * 4u + lane) << (lane * 8u);
  }
  output[index] = word;
}
