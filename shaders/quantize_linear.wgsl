// y = emit(key of x): float32 bits become int32 keys in the order of the floats, and a quantize is a
// requantization of keys. x: 4 channels a vec4 of bits; y: 4 channels a word. No floating-point arithmetic.

struct Geometry {
  groups: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let first = thread_index(workgroup_id, num_workgroups, local_index) * WORDS;
  if (first >= geometry.groups) {
    return;
  }
  let form = form_of(0u);
  // beyond the last word, that one again
  //#for w in 0..WORDS
  let index_w = min(first + w, geometry.groups - 1u);
  let keys_w = float_keys(input[index_w]);
  //#end
  //#for w in 0..WORDS
  emit(index_w, form, keys_w);
  //#end
}
