// y[n, oy, ox, o] = emit(sum over pairs of sat16(x0 * w0 + x1 * w1) - zx * sum(w)): vpmaddubsw's accumulation.
// Products of raw bytes in the order ky, kx, c of o's group, in pairs, an odd last one alone; padded with zx.
// x: NHWC, 4 channels a word; w: [ky, kx, c][group of 4 outputs] int32; y: NHWC. |pair| <= 2 * 255 * 128.
//#import shared/threads
//#import shared/codes
//#import shared/window
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  in_per_group: u32,
  out_per_group: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// All outputs see the same input channels (one group).
override ONE_GROUP: bool;
// Each output sees the input channel of its own number.
override DEPTHWISE: bool;

const LEAST = vec4<i32>(-32768);
const MOST = vec4<i32>(32767);

fn channel_at(pixel: u32, channel: u32) -> i32 {
  return i32((input[pixel + channel / 4u] >> ((channel & 3u) * 8u)) & 255u);
}

// What the four outputs of a group multiply with their c-th weight of a tap.
fn load(pixel: u32, group: u32, c: u32) -> vec4<i32> {
  if (ONE_GROUP) {
    return vec4<i32>(channel_at(pixel, c));
  }
  if (DEPTHWISE) {
    return unpack_codes(input[pixel + group]);
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
  var sums = corrections[group];
  var first = vec4<i32>();
  var half = false;
  var at_weight = group;
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let at = input_pixel(pixel, ky, kx);
      for (var c = 0u; c < geometry.in_per_group; c++) {
        var x = vec4<i32>(i32(geometry.input_zero));
        if (at != OUTSIDE) {
          x = load(at, group, c);
        }
        let product = x * weights[at_weight];
        if (half) {
          sums += clamp(first + product, LEAST, MOST);
        } else {
          first = product;
        }
        half = !half;
        at_weight += geometry.window.out_groups;
      }
    }
  }
  if (half) {
    sums += clamp(first, LEAST, MOST);
  }
  emit(index, form_of(group), sums);
}
