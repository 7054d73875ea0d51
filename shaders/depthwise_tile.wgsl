// y[n, oy, ox, c] = emit(sum over ky, kx of (x[.., c] - zx) * (w[c] - zw)), a tile of outputs of 4 channels a thread.
// x: NHWC, 4 channels a word, padded with zx; w: [ky][kx][group of 4] f32, zero point subtracted, lane j times 2^-8j.
// f32: bytes times 2^8j (byte_lanes) times weights; all sums are integers below 2^24 (proved at load).

struct Geometry {
  in_height: u32,
  in_width: u32,
  in_groups: u32,
  out_height: u32,
  out_width: u32,
  out_groups: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  tiles_y: u32,
  input_flip: u32,
  padding: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let group = workgroup_id.x * 4u + local_index;
  if (group >= geometry.out_groups) {
    return;
  }
  let image = workgroup_id.z / geometry.tiles_y;
  let oy = workgroup_id.z % geometry.tiles_y * TILE_HEIGHT;
  let ox = workgroup_id.y * TILE_WIDTH;
  // differences wrap, so above 0 is beyond the height
  let top = oy * geometry.stride_y - geometry.pad_top;
  let left = ox * geometry.stride_x - geometry.pad_left;
  //#for x in 0..WINDOW_WIDTH
  let column_x = left + x;
  let inside_x = column_x < geometry.in_width;
  let offset_x = select(0u, column_x * geometry.in_groups, inside_x) + group;
  //#end
  var window: array<vec4<f32>, WINDOW_HEIGHT * WINDOW_WIDTH>;
  //#for y in 0..WINDOW_HEIGHT
  let row_y = top + y;
  let first_y = (image * geometry.in_height + min(row_y, geometry.in_height - 1u)) * geometry.in_width * geometry.in_groups;
  let within_y = row_y < geometry.in_height;
  //#for x in 0..WINDOW_WIDTH
  window[y * WINDOW_WIDTH + x] =
    byte_lanes(select(geometry.padding, input[first_y + offset_x] ^ geometry.input_flip, within_y && inside_x));
  //#end
  //#end
  //#for j in 0..KERNEL_HEIGHT
  //#for i in 0..KERNEL_WIDTH
  let w_j_i = weights[(j * KERNEL_WIDTH + i) * geometry.out_groups + group];
  //#end
  //#end
  let start = corrections[group];
  let form = form_of(group);
  let at = ((image * geometry.out_height + oy) * geometry.out_width + ox) * geometry.out_groups + group;
  //#for v in 0..TILE_HEIGHT
  if (oy + v < geometry.out_height) {
    //#for u in 0..TILE_WIDTH
    if (ox + u < geometry.out_width) {
      var sum = start;
      //#for j in 0..KERNEL_HEIGHT
      //#for i in 0..KERNEL_WIDTH
      sum += window[(v * STRIDE + j) * WINDOW_WIDTH + u * STRIDE + i] * w_j_i;
      //#end
      //#end
      emit_float(at + (v * geometry.out_width + u) * geometry.out_groups, form, sum);
    }
    //#end
  }
  //#end
}
