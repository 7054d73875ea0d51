// y[pixel, c] = code_of(d, sum over channels of terms[d]), d = largest code of the pixel - code of x[pixel, c].
// x, y: NHWC, 4 channels a word; a workgroup has a pixel. The sum is taken in the order of the channels.
//#import shared/threads
//#import shared/codes
//#slot sum: softmax_sum/ for add_term
//#slot code: softmax/ for code_of

struct Geometry {
  pixels: u32,
  channels: u32,
  channel_groups: u32,
  input_sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> terms: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// 0 for uint8, 0x80808080 for int8, whose codes start at -128.
override OUTPUT_SIGN: u32;

var<workgroup> largest: u32;
var<workgroup> sum: u32;

fn code_at(first: u32, channel: u32) -> u32 {
  return ((input[first + (channel >> 2u)] ^ geometry.input_sign) >> ((channel & 3u) * 8u)) & 255u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(own: Workgroup, @builtin(local_invocation_index) local: u32) {
  let pixel = workgroup_index(own);
  let first = pixel * geometry.channel_groups;
  let is_pixel = pixel < geometry.pixels;
  if (local == 0u && is_pixel) {
    var most = 0u;
    for (var c = 0u; c < geometry.channels; c++) {
      most = max(most, code_at(first, c));
    }
    var total = 0u;
    for (var c = 0u; c < geometry.channels; c++) {
      total = add_term(total, terms[most - code_at(first, c)]);
    }
    largest = most;
    sum = total;
  }
  workgroupBarrier();
  if (!is_pixel) {
    return;
  }
  for (var word = local; word < geometry.channel_groups; word += WORKGROUP_SIZE) {
    // what pads the channels has any code: it is never read
    let codes = unpack_codes(input[first + word] ^ geometry.input_sign);
    var result = vec4<u32>();
    for (var lane = 0u; lane < 4u; lane++) {
      result[lane] = code_of(max(largest, u32(codes[lane])) - u32(codes[lane]), sum);
    }
    output[first + word] = pack_codes(result) ^ OUTPUT_SIGN;
  }
}
