// y[pixel] = the sum of the weights times the pixels beneath them, rounded to 8 bits, of each channel: a pass along rows,
// or along columns. x, y: RGBA, a word a pixel; taps: of each place along the pass the first pixel, how many, and where
// their weights are; weights: 22 fraction bits. The fourth channel is not computed: its byte is 0.
//#import shared/threads

struct Geometry {
  width: u32,
  pixels: u32,
  row_words: u32,
  along_columns: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> taps: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.pixels) {
    return;
  }
  let x = index % geometry.width;
  let y = index / geometry.width;
  let columns = geometry.along_columns != 0u;
  let tap = taps[select(x, y, columns)];
  let step = select(1u, geometry.row_words, columns);
  let first = select(y * geometry.row_words, x, columns) + tap.x * step;
  // a half, and at most 255 * (2^22 + the weights' roundings): below 2^31
  var sums = vec3<u32>(1u << 21u);
  for (var i = 0u; i < tap.y; i++) {
    let pixel = (vec3<u32>(input[first + i * step]) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u);
    sums += pixel * weights[tap.z + i];
  }
  let bytes = min(sums >> vec3<u32>(22u), vec3<u32>(255u));
  output[index] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u);
}
