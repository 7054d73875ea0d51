// y[i] = x[source(i)], or the fill where nothing moves there: transpose, slice, pad, split, resize, reshape ...
// y: NHWC, 4 channels a group; x: elements in padded NHWC order.
//#import shared/threads
//#slot source: source/ for sources_of
//#slot element: element/ for read_element, write_elements

struct Geometry {
  groups: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  batch: u32,
  base: u32,
  fill: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<i32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let sources = sources_of(index);
  var elements = vec4<u32>(geometry.fill);
  for (var lane = 0u; lane < 4u; lane++) {
    if (sources[lane] >= 0) {
      elements[lane] = read_element(u32(sources[lane]));
    }
  }
  write_elements(index, elements);
}
