// y[i] = emit(sums[i]): a requantization and nothing else, to learn how a device rounds.
// sums: four f32 values a group; y: four codes a word. f32: integers below 2^24.
//#import shared/threads
//#slot output: output/ for form_of, emit

alias Sums = vec4<f32>;

struct Geometry {
  groups: u32,
}

@group(0) @binding(0) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index < geometry.groups) {
    emit(index, form_of(index), sums[index]);
  }
}
