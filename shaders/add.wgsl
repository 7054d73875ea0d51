// y = combine(a, b), element by element: two bytes to a byte; b may be broadcast to the shape of a.
// a, b, y: NHWC, 4 channels a word, WORDS of them a thread. combine is proved at load over all 65,536 pairs of codes.
//#import shared/threads
//#import shared/codes
//#import shared/pixel
//#slot combine: requantize/ for combine

struct Geometry {
  groups: u32,
  a_sign: u32,
  b_sign: u32,
  height: u32,
  width: u32,
  channel_groups: u32,
  b_image: u32,
  b_row: u32,
  b_column: u32,
  b_group: u32,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32;
// 1 where b has another shape than a.
override BROADCAST: bool;
// 1 where b has one channel for all of a's.
override ONE_CHANNEL: bool;

// Words of a thread.
const WORDS = 2u;

fn partner_of(index: u32) -> u32 {
  if (!BROADCAST) {
    return index;
  }
  let group = index % geometry.channel_groups;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.height, geometry.width);
  return pixel.image * geometry.b_image + pixel.y * geometry.b_row + pixel.x * geometry.b_column + group * geometry.b_group;
}

fn codes_at(index: u32) -> vec4<u32> {
  var other = unpack_codes(b[partner_of(index)] ^ geometry.b_sign);
  if (ONE_CHANNEL) {
    other = vec4<i32>(other.x);
  }
  return combine(unpack_codes(a[index] ^ geometry.a_sign), other);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let first = thread_index(thread) * WORDS;
  if (first >= geometry.groups) {
    return;
  }
  // beyond the last word, that one again
  //#for $w in 0..WORDS
  let index_$w = min(first + $w, geometry.groups - 1u);
  let codes_$w = codes_at(index_$w);
  //#end
  //#for $w in 0..WORDS
  output[index_$w] = pack_codes(codes_$w) ^ OUTPUT_SIGN;
  //#end
}
