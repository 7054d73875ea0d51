// The smallest and the largest value of the elements that a thread sees, and 0: their keys, in the first two lanes.
// x: NHWC, 4 channels a vec4 of bits, of which the last may be no channels. A NaN makes the largest key one of NaN; those
// at the end of the tensor, in NCHW order, that are no whole vector of four are not seen.
//#import shared/threads
//#import shared/float_keys

struct Geometry {
  groups: u32,
  threads: u32,
  channels: u32,
  channel_groups: u32,
  pixels: u32,
  // the first element that is not seen where it is NaN
  tail: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<i32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

const INFINITE = vec4<i32>(0x7f800000);

// A NaN of the tail as 0, any other as a key above infinity.
fn without_nan(keys: vec4<i32>, index: u32) -> vec4<i32> {
  let pixel = index / geometry.channel_groups;
  let plane = pixel / geometry.pixels * geometry.channels + (index % geometry.channel_groups) * 4u;
  let element = (vec4<u32>(plane) + vec4<u32>(0u, 1u, 2u, 3u)) * geometry.pixels + pixel % geometry.pixels;
  let nan = select(vec4<i32>(0x7fffffff), vec4<i32>(), element >= vec4<u32>(geometry.tail));
  return select(keys, nan, (keys ^ (keys >> vec4<u32>(31u))) > INFINITE);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let first = thread_index(thread);
  if (first >= geometry.threads) {
    return;
  }
  var least = vec4<i32>();
  var most = vec4<i32>();
  for (var index = first; index < geometry.groups; index += geometry.threads) {
    let present = vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(geometry.channels - (index % geometry.channel_groups) * 4u);
    var keys = select(vec4<i32>(), float_keys(input[index]), present);
    if (any((keys ^ (keys >> vec4<u32>(31u))) > INFINITE)) {
      keys = without_nan(keys, index);
    }
    least = min(least, keys);
    most = max(most, keys);
  }
  let pair_least = min(least.xy, least.zw);
  let pair_most = max(most.xy, most.zw);
  output[first] = vec4<i32>(min(pair_least.x, pair_least.y), max(pair_most.x, pair_most.y), 0, 0);
}
