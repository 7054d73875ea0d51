// y = float32 of a picture resized between pixels, corner on corner, as float64 computes it: NCHW, three channels.
// x: RGBA, a word a pixel; rows, columns: for each of the output's the pixels before and behind it and the bits of the
// fraction between them; values: 256 float64 a channel, what its bytes are. An element a thread.
//#import shared/threads
//#import shared/float64

struct Geometry {
  width: u32,
  pixels: u32,
  row_words: u32,
  // blue first
  reversed: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> values: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn value_at(channel: u32, y: u32, x: u32) -> vec2<u32> {
  let shift = select(channel, 2u - channel, geometry.reversed != 0u) * 8u;
  return values[channel * 256u + ((input[y * geometry.row_words + x] >> shift) & 255u)];
}

fn between(left: vec2<u32>, right: vec2<u32>, fraction: vec2<u32>) -> vec2<u32> {
  return float64_add(left, float64_multiply(float64_subtract(right, left), fraction));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.pixels * 3u) {
    return;
  }
  let channel = index / geometry.pixels;
  let row = rows[index % geometry.pixels / geometry.width];
  let column = columns[index % geometry.width];
  let top = between(value_at(channel, row.x, column.x), value_at(channel, row.x, column.y), column.zw);
  let bottom = between(value_at(channel, row.y, column.x), value_at(channel, row.y, column.y), column.zw);
  output[index] = float32_of_float64(between(top, bottom, row.zw));
}
