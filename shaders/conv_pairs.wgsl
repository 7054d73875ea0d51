// y[n, oy, ox, o] = emit(sum over pairs of narrow(x0 * w0 + x1 * w1) - zx * sum(w)): pairs of products leave int16.
// Which products are pairs, and how they overflow, is the engine's (Pairs in src/engines/engine.ts).
// x: NHWC, 4 channels a word; w: [slot][group of 4 outputs] int32, 0 where no product is; y: NHWC. |pair| <= 2 * 255 * 128.
//#import shared/threads
//#import shared/codes
//#import shared/window
//#slot output: output/ for form_of, emit
//#slot order: pairs/order/ for pair_sums
//#slot overflow: pairs/overflow/ for channel_at, channels_at, zero_point, narrow
//#slot outside: pairs/outside/ for outside, zeros
//#slot difference: pairs/difference/ for difference

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  in_per_group: u32,
  out_per_group: u32,
  input_sign: u32,
  // a code
  input_zero: u32,
  // of a tap; of all taps where they are listed
  slots: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
// -zx * sum(w)
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read> places: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// All outputs see the same input channels (one group).
override ONE_GROUP: bool;
// Each output sees the input channel of its own number.
override DEPTHWISE: bool;

// What the four outputs of a group multiply with their weights of a tap's c-th channel.
fn load(pixel: u32, group: u32, c: u32) -> vec4<i32> {
  if (ONE_GROUP) {
    return vec4<i32>(channel_at(pixel, c));
  }
  if (DEPTHWISE) {
    return channels_at(pixel + group);
  }
  // outputs that do not exist have weights of zero, whatever they read
  let first = ((group * 4u + vec4<u32>(0u, 1u, 2u, 3u)) / geometry.out_per_group) * geometry.in_per_group + c;
  return vec4<i32>(
    channel_at(pixel, first.x),
    channel_at(pixel, first.y),
    channel_at(pixel, first.z),
    channel_at(pixel, first.w)
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  if (index / geometry.window.out_groups >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(index / geometry.window.out_groups);
  let sums = difference(pair_sums(pixel, group), zeros(pixel, group));
  emit(index, form_of(group), sums);
}
