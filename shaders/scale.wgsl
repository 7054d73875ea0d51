// y = f32(f32(x - zero) * scale) of int32, on float32 bits: two IEEE roundings, by integers.
// x, y: NHWC, 4 channels a vec4; zeros, scales: one group of channels for every pixel.
//#import shared/threads
//#import shared/float32_multiply

struct Geometry {
  groups: u32,
  channel_groups: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read> zeros: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> scales: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let x = input[index] - zeros[group];
  let scale = scales[group];
  output[index] = vec4<u32>(
    float32_multiply(float32_of(x.x), scale.x),
    float32_multiply(float32_of(x.y), scale.y),
    float32_multiply(float32_of(x.z), scale.z),
    float32_multiply(float32_of(x.w), scale.w)
  );
}
