// y[n, oy, ox, c] = emit(key of the float32 sum of value(x) * (row weight * column weight) over four neighbours): each
// operation rounded as IEEE says, by integers; the requantization is one of the sum's key (as quantize_linear has it).
// x, y: NHWC, 4 channels a word; values: 256 float32, as bits; rows, columns: for each of the output's the first and the
// second neighbour's number, and the bits of their weights.
//#import shared/threads
//#import shared/codes
//#import shared/pixel
//#import shared/float32_add
//#import shared/float32_multiply
//#import shared/float_keys
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  groups: u32,
  input_sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.out_height, geometry.out_width);
  let row = rows[pixel.y];
  let column = columns[pixel.x];
  var sums = vec4<u32>();
  // row by row
  for (var i = 0u; i < 4u; i++) {
    let y = row[i >> 1u];
    let x = column[i & 1u];
    let at = ((pixel.image * geometry.in_height + y) * geometry.in_width + x) * geometry.channel_groups + group;
    let codes = unpack_codes(input[at] ^ geometry.input_sign);
    let weight = float32_multiply(row[2u + (i >> 1u)], column[2u + (i & 1u)]);
    for (var lane = 0u; lane < 4u; lane++) {
      sums[lane] = float32_add(sums[lane], float32_multiply(weight, values[codes[lane]]));
    }
  }
  emit(index, form_of(0u), float_keys(bitcast<vec4<i32>>(sums)));
}
