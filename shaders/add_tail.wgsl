// y = combine(a, b), element by element; elements of the tails by a function of their own, from its table.
// a, b, y: NHWC, 4 channels a word. tails: [first, end) of element numbers in NHWC order without padding.
// combine is proved at load over all 65,536 pairs of codes; the table holds four codes a word, row a.
//#import shared/threads
//#import shared/codes
//#slot combine: requantize/ for combine

struct Geometry {
  groups: u32,
  a_sign: u32,
  b_sign: u32,
  channels: u32,
  channel_groups: u32,
  tails: u32,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> tails: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> tail_codes: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32;

fn is_tail(element: u32) -> bool {
  for (var i = 0u; i < geometry.tails; i++) {
    if (element >= tails[i].x && element < tails[i].y) {
      return true;
    }
  }
  return false;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let x = unpack_codes(a[index] ^ geometry.a_sign);
  let y = unpack_codes(b[index] ^ geometry.b_sign);
  var codes = combine(x, y);
  let first = (index / geometry.channel_groups) * geometry.channels + (index % geometry.channel_groups) * 4u;
  for (var lane = 0u; lane < 4u; lane++) {
    if (is_tail(first + lane)) {
      let pair = u32(x[lane] * 256 + y[lane]);
      codes[lane] = (tail_codes[pair >> 2u] >> ((pair & 3u) * 8u)) & 255u;
    }
  }
  output[index] = pack_codes(codes) ^ OUTPUT_SIGN;
}
