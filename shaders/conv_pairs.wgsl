// y[n, oy, ox, o] = emit(sum over pairs of narrow(x0 * w0 + x1 * w1) - zx * sum(w)): pairs of products leave int16.
// Which products are pairs, and how they overflow, is the engine's (Pairs in src/engines/engine.ts).
// x: NHWC, 4 channels a word; w: [slot][group of 4 outputs] int32, 0 where no product is; y: NHWC. |pair| <= 2 * 255 * 128.
//#import shared/threads
//#import shared/codes
//#import shared/window
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  in_per_group: u32,
  out_per_group: u32,
  // a code
  input_zero: u32,
  // of a tap; of all taps where they are listed
  slots: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
// -zx * sum(w)
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
// Where they are listed: ky, kx and channel of each slot.
@group(0) @binding(3) var<storage, read> places: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// All outputs see the same input channels (one group).
override ONE_GROUP: bool;
// Each output sees the input channel of its own number.
override DEPTHWISE: bool;
// Makes codes of bytes.
override INPUT_SIGN: u32;
// Makes of a code what is multiplied.
override OFFSET: i32;
// A pair wraps around at int16; otherwise it saturates.
override WRAPS: bool;
// Weights outside of the input are in no sum.
override NOTHING_OUTSIDE: bool;
// Both sums are rounded to float32 before they are added.
override ROUNDS: bool;
// The slots are in any order; otherwise in that of ky, kx, c.
override LISTED: bool;

fn channel_at(pixel: u32, channel: u32) -> i32 {
  return i32(((input[pixel + channel / 4u] ^ INPUT_SIGN) >> ((channel & 3u) * 8u)) & 255u) - OFFSET;
}

// What the four outputs of a group multiply with their weights of a tap's c-th channel.
fn load(pixel: u32, group: u32, c: u32) -> vec4<i32> {
  if (ONE_GROUP) {
    return vec4<i32>(channel_at(pixel, c));
  }
  if (DEPTHWISE) {
    return unpack_codes(input[pixel + group] ^ INPUT_SIGN) - OFFSET;
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

fn zero() -> vec4<i32> {
  return vec4<i32>(i32(geometry.input_zero) - OFFSET);
}

// The same of a tap that may be outside.
fn operand(pixel: u32, group: u32, c: u32) -> vec4<i32> {
  var x = vec4<i32>();
  if (pixel != OUTSIDE) {
    x = load(pixel, group, c);
  } else if (!NOTHING_OUTSIDE) {
    x = zero();
  }
  return x;
}

// What a weight has in the corrections that is in no sum.
fn surplus(pixel: u32, w: vec4<i32>) -> vec4<i32> {
  if (NOTHING_OUTSIDE && pixel == OUTSIDE) {
    return zero() * w;
  }
  return vec4<i32>();
}

// The int16 that becomes of a pair.
fn narrow(pair: vec4<i32>) -> vec4<i32> {
  if (WRAPS) {
    return select(pair, vec4<i32>(-32768), pair == vec4<i32>(32768));
  }
  return clamp(pair, vec4<i32>(-32768), vec4<i32>(32767));
}

// The nearest float32, ties to even, in integers: 24 bits are left.
fn to_float32(sums: vec4<i32>) -> vec4<i32> {
  let magnitude = vec4<u32>(abs(sums));
  let last = vec4<u32>(1u) << (vec4<u32>(8u) - min(countLeadingZeros(magnitude), vec4<u32>(8u)));
  let rest = magnitude & (last - 1u);
  let kept = magnitude - rest;
  let is_odd = (kept & last) != vec4<u32>();
  let up = (rest * 2u > last) | ((rest * 2u == last) & is_odd);
  let rounded = vec4<i32>(kept + select(vec4<u32>(), last, up));
  return select(rounded, -rounded, sums < vec4<i32>());
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let out_groups = geometry.window.out_groups;
  let group = index % out_groups;
  if (index / out_groups >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(index / out_groups);
  var sums = vec4<i32>();
  var zeros = corrections[group];
  var at_weight = group;
  if (LISTED) {
    for (var slot = 0u; slot < geometry.slots; slot += 2u) {
      let w_0 = weights[at_weight];
      let w_1 = weights[at_weight + out_groups];
      let place_0 = places[slot];
      let place_1 = places[slot + 1u];
      let at_0 = input_pixel(pixel, place_0.x, place_0.y);
      let at_1 = input_pixel(pixel, place_1.x, place_1.y);
      sums += narrow(operand(at_0, group, place_0.z) * w_0 + operand(at_1, group, place_1.z) * w_1);
      zeros += surplus(at_0, w_0) + surplus(at_1, w_1);
      at_weight += 2u * out_groups;
    }
  } else {
    var first = vec4<i32>();
    var half = false;
    for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
      for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
        let at = input_pixel(pixel, ky, kx);
        for (var c = 0u; c < geometry.slots; c++) {
          let w = weights[at_weight];
          let product = operand(at, group, c) * w;
          zeros += surplus(at, w);
          if (half) {
            sums += narrow(first + product);
          } else {
            first = product;
          }
          half = !half;
          at_weight += out_groups;
        }
      }
    }
    if (half) {
      sums += narrow(first);
    }
  }
  if (ROUNDS) {
    sums = to_float32(sums);
    zeros = to_float32(zeros);
  }
  emit(index, form_of(group), sums + zeros);
}
