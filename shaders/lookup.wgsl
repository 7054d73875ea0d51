// y = table[code of x], element by element: any function of one byte.
// x, y: 4 channels a word; table: 256 bytes, four a word, the first for the smallest value of x's type.
//#import shared/threads
//#import shared/codes

struct Geometry {
  groups: u32,
  input_sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn entry(code: i32) -> u32 {
  return (values[code >> 2u] >> ((u32(code) & 3u) * 8u)) & 255u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let codes = unpack_codes(input[index] ^ geometry.input_sign);
  output[index] = pack_codes(vec4<u32>(entry(codes.x), entry(codes.y), entry(codes.z), entry(codes.w)));
}
