// y[n, oy, ox, c] = emit(key of the float32 sum of value(x[.., c]) over the window), by the window's count of elements.
// x, y: NHWC, 4 channels a word; values: 256 float32, as bits. Sums are taken element by element along the
// rows, or of each column before the columns, each rounded as IEEE says, by integers; then a mean's requantization is one of the sum's key (as quantize_linear has it), one for each count.

struct Geometry {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  groups: u32,
  input_sign: u32,
  by_columns: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
// Which requantization a window uses, by how many elements of the input lie in it.
@group(0) @binding(2) var<storage, read> stage_of_count: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = thread_index(workgroup_id, num_workgroups, local_index);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let pixel = index / geometry.channel_groups;
  let ox = pixel % geometry.out_width;
  let out_row = pixel / geometry.out_width;
  let oy = out_row % geometry.out_height;
  let image = out_row / geometry.out_height;
  var sums = vec4<u32>();
  var count = 0u;
  let by_columns = geometry.by_columns != 0u;
  let lines = select(geometry.kernel_height, geometry.kernel_width, by_columns);
  let line_length = select(geometry.kernel_width, geometry.kernel_height, by_columns);
  for (var line = 0u; line < lines; line++) {
    var column = vec4<u32>();
    for (var along = 0u; along < line_length; along++) {
      let ky = select(line, along, by_columns);
      let kx = select(along, line, by_columns);
      // differences wrap, so above and left of 0 is beyond the height and the width
      let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
      let ix = ox * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
      if (iy >= geometry.in_height || ix >= geometry.in_width) {
        continue;
      }
      let place = (image * geometry.in_height + iy) * geometry.in_width + ix;
      let codes = unpack_codes(input[place * geometry.channel_groups + group] ^ geometry.input_sign);
      count++;
      for (var lane = 0u; lane < 4u; lane++) {
        let value = values[codes[lane]];
        if (by_columns) {
          column[lane] = float32_add(column[lane], value);
        } else {
          sums[lane] = float32_add(sums[lane], value);
        }
      }
    }
    if (by_columns) {
      for (var lane = 0u; lane < 4u; lane++) {
        sums[lane] = float32_add(sums[lane], column[lane]);
      }
    }
  }
  let bits = bitcast<vec4<i32>>(sums);
  // of negative numbers all bits but the sign are flipped
  emit(index, form_of(stage_of_count[count]), bits ^ ((bits >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff)));
}
