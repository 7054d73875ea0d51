// y = values[code of x]: 256 float32 values, as bits.
// x: 4 channels a word; y: 4 channels a vec4 of bits.
//#import shared/threads
//#import shared/codes

struct Geometry {
  groups: u32,
  input_sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let codes = unpack_codes(input[index] ^ geometry.input_sign);
  output[index] = vec4<u32>(values[codes.x], values[codes.y], values[codes.z], values[codes.w]);
}
