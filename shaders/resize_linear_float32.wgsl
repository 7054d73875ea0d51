// y[n, oy, ox, c] = the float32 sum of x * (row weight * column weight) over four neighbours, row by row.
// x, y: NHWC, 4 channels a vec4 of bits; rows, columns: for each of the output's the first and the second neighbour's number,
// and the bits of their weights.
//#import shared/threads
//#import shared/pixel
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int

struct Geometry {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  groups: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<u32>>;
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
  var sum = vec4<u32>();
  for (var i = 0u; i < 4u; i++) {
    let y = row[i >> 1u];
    let x = column[i & 1u];
    let at = ((pixel.image * geometry.in_height + y) * geometry.in_width + x) * geometry.channel_groups + group;
    let weight = float_multiply(vec4<u32>(row[2u + (i >> 1u)]), vec4<u32>(column[2u + (i & 1u)]));
    let term = float_multiply(weight, input[at]);
    if (i == 0u) {
      sum = term;
    } else {
      sum = float_add(sum, term);
    }
  }
  output[index] = sum;
}
