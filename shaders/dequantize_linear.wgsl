// y = values[code of x]: 256 float32 values, as bits; and 256 for the elements from `tail` on, in NHWC order without padding.
// x: 4 channels a word; y: 4 channels a vec4 of bits.
//#import shared/threads
//#import shared/codes

struct Geometry {
  groups: u32,
  input_sign: u32,
  channels: u32,
  channel_groups: u32,
  tail: u32,
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
  let first = index / geometry.channel_groups * geometry.channels + index % geometry.channel_groups * 4u;
  let is_tail = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u) >= vec4<u32>(geometry.tail);
  let codes = unpack_codes(input[index] ^ geometry.input_sign) + select(vec4<i32>(), vec4<i32>(256), is_tail);
  output[index] = vec4<u32>(values[codes.x], values[codes.y], values[codes.z], values[codes.w]);
}
