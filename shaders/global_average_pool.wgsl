// y[n, c] = emit(sum over pixels of (x[n, .., c] - zx)); one function for all channels, or one each.
// x: NHWC, 4 channels a word; y: [image][group]. |sum| <= pixels * 255, an int32 (proved at load).
//#import shared/threads
//#import shared/codes
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  pixels: u32,
  channel_groups: u32,
  by_channel: u32,
  groups: u32,
  input_sign: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let image = index / geometry.channel_groups;
  var at = image * geometry.pixels * geometry.channel_groups + index % geometry.channel_groups;
  var sums = vec4<i32>();
  for (var pixel = 0u; pixel < geometry.pixels; pixel++) {
    sums += unpack_codes(input[at] ^ geometry.input_sign);
    at += geometry.channel_groups;
  }
  emit(index, form_of(index % geometry.channel_groups * geometry.by_channel), sums - vec4<i32>(i32(geometry.pixels * geometry.input_zero)));
}
