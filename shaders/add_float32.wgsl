// y = f32(a + b), element by element, on float32 bits: one IEEE rounding, by integers.
// a, y: NHWC, 4 channels a vec4 of bits; b: the same, or one group of channels for every pixel.

struct Geometry {
  groups: u32,
  other_groups: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<u32>>;
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
  let x = a[index];
  let y = b[index % geometry.other_groups];
  output[index] = vec4<u32>(
    float32_add(x.x, y.x),
    float32_add(x.y, y.y),
    float32_add(x.z, y.z),
    float32_add(x.w, y.w)
  );
}
