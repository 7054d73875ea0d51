// y[n, oy, ox, c] = emit(sum over ky, kx of (x[.., c] - zx) * (w[c] - zw)), columns of a strip of rows, 4 channels a thread.
// x: NHWC, 4 channels a word, padded with zx; w: [ky][kx][group of 4] of 4 bytes; y: [n][oy][ox][group].
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
  // rows of a strip, and strips of an image
  rows: u32,
  strips: u32,
  input_flip: u32,
  padding: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let group = workgroup_id.x * 4u + local_index;
  if (group >= geometry.out_groups) {
    return;
  }
  let ox = workgroup_id.y * WIDTH;
  let image = workgroup_id.z / geometry.strips;
  let first = workgroup_id.z % geometry.strips * geometry.rows;
  let end = min(first + geometry.rows, geometry.out_height);
  // differences wrap, so above 0 is beyond the height
  var y = first * geometry.stride_y - geometry.pad_top;
  let last = geometry.out_width - 1u - ox;
  let left = ox * geometry.stride_x - geometry.pad_left;
  let pitch = geometry.in_width * geometry.in_groups;
  let plane = image * geometry.in_height * pitch + group;
  //#for x in 0..WINDOW_WIDTH
  let column_x = left + x;
  let inside_x = column_x < geometry.in_width;
  let offset_x = plane + select(0u, column_x * geometry.in_groups, inside_x);
  //#end
  let zeros = weight_zeros(corrections[group * 2u + 1u]);
  //#for j in 0..KERNEL_HEIGHT
  //#for i in 0..KERNEL_WIDTH
  let w_j_i = weight_lanes(weights[(j * KERNEL_WIDTH + i) * geometry.out_groups + group], zeros);
  //#end
  //#end
  let start = corrections[group * 2u];
  let form = form_of(group);
  var window: array<u32, KERNEL_HEIGHT * WINDOW_WIDTH>;
  //#for r in 0..KEPT
  let above_r = y + r;
  let had_r = above_r < geometry.in_height;
  let before_r = select(0u, above_r * pitch, had_r);
  //#for x in 0..WINDOW_WIDTH
  window[r * WINDOW_WIDTH + x] =
    select(geometry.padding, input[offset_x + before_r] ^ geometry.input_flip, inside_x && had_r);
  //#end
  //#end
  y += KEPT;
  var at = ((image * geometry.out_height + first) * geometry.out_width + ox) * geometry.out_groups + group;
  for (var oy = first; oy < end; oy++) {
    //#for r in 0..NEW
    let row_r = y + r;
    let within_r = row_r < geometry.in_height;
    let line_r = select(0u, row_r * pitch, within_r);
    //#for x in 0..WINDOW_WIDTH
    window[(KEPT + r) * WINDOW_WIDTH + x] =
      select(geometry.padding, input[offset_x + line_r] ^ geometry.input_flip, inside_x && within_r);
    //#end
    //#end
    var values: array<vec4<f32>, KERNEL_HEIGHT * WINDOW_WIDTH>;
    //#for j in 0..KERNEL_HEIGHT
    //#for x in 0..WINDOW_WIDTH
    values[j * WINDOW_WIDTH + x] = byte_lanes(window[j * WINDOW_WIDTH + x]);
    //#end
    //#end
    var sums: array<vec4<f32>, WIDTH>;
    //#for u in 0..WIDTH
    //#for c in 0..4
    var sum_u_c = start[c];
    //#for j in 0..KERNEL_HEIGHT
    //#for i in 0..KERNEL_WIDTH
    sum_u_c += values[j * WINDOW_WIDTH + u * STRIDE + i][c] * w_j_i[c];
    //#end
    //#end
    //#end
    sums[u] = vec4<f32>(sum_u_0, sum_u_1, sum_u_2, sum_u_3);
    //#end
    // from the right: what a column beyond the last writes is written over by the last, for less than an if a column
    //#for u in 0..WIDTH
    emit_float(at + min(WIDTH - 1u - u, last) * geometry.out_groups, form, sums[WIDTH - 1u - u]);
    //#end
    //#for r in 0..KEPT
    //#for x in 0..WINDOW_WIDTH
    window[r * WINDOW_WIDTH + x] = window[(r + NEW) * WINDOW_WIDTH + x];
    //#end
    //#end
    y += STRIDE;
    at += geometry.out_width * geometry.out_groups;
  }
}
