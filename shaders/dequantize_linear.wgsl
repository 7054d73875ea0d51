// y = values[code of x]: 256 float32 values, as bits.
// x: 4 channels a word; y: 4 channels a vec4 of bits.

struct Geometry {
  groups: u32,
  input_sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = thread_index(workgroup_id, num_workgroups, local_index);
  if (index >= geometry.groups) {
    return;
  }
  let codes = unpack_codes(input[index] ^ geometry.input_sign);
  output[index] = vec4<u32>(values[codes.x], values[codes.y], values[codes.z], values[codes.w]);
}
