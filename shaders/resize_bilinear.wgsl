// y[n, oy, ox, c] = code_between(the codes of four neighbours, the weights of their rows, the weights of their columns).
// x, y: NHWC, 4 channels a word; rows, columns: for each of the output's the first and the second neighbour's number,
// and the bits of their weights.
//#import shared/threads
//#import shared/codes
//#import shared/pixel
//#slot interpolation: interpolation/ for code_between

struct Geometry {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  groups: u32,
  sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn codes_at(image: u32, y: u32, x: u32, group: u32) -> vec4<i32> {
  let pixel = (image * geometry.in_height + y) * geometry.in_width + x;
  return unpack_codes(input[pixel * geometry.channel_groups + group] ^ geometry.sign);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.out_height, geometry.out_width);
  let row = rows[pixel.y];
  let column = columns[pixel.x];
  let top_left = codes_at(pixel.image, row.x, column.x, group);
  let top_right = codes_at(pixel.image, row.x, column.y, group);
  let bottom_left = codes_at(pixel.image, row.y, column.x, group);
  let bottom_right = codes_at(pixel.image, row.y, column.y, group);
  var codes = vec4<u32>();
  for (var lane = 0u; lane < 4u; lane++) {
    let four = vec4<i32>(top_left[lane], top_right[lane], bottom_left[lane], bottom_right[lane]);
    codes[lane] = code_between(four, row.zw, column.zw);
  }
  output[index] = pack_codes(codes) ^ geometry.sign;
}
