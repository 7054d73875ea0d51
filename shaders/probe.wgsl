// y[i] = emit_float(sums[i]): a requantization and nothing else, to learn how a device rounds.
// sums: four f32 values a group; y: four codes a word. f32: integers below 2^24.

struct Geometry {
  groups: u32,
}

@group(0) @binding(0) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = thread_index(workgroup_id, num_workgroups, local_index);
  if (index < geometry.groups) {
    emit_float(index, form_of(index), sums[index]);
  }
}
