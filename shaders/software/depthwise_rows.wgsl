// y[n, oy, ox, c] = emit(sum over ky, kx of (x[.., c] - zx) * (w[c] - zw)), columns of a strip of rows, 4 channels a thread.
// x: NHWC, 4 channels a word, padded with zx; w: [ky][kx][group of 4] of 4 bytes; y: [n][oy][ox][group].
// f32: bytes times 2^8j (byte_lanes) times weights; all sums are integers below 2^24 (proved at load).
//#count WIDTH
//#count KERNEL_HEIGHT
//#count KERNEL_WIDTH
//#count STRIDE
//#count KEPT
//#count NEW
//#count WINDOW_WIDTH
//#import shared/threads
//#import shared/window
//#import software/shared/byte_lanes
//#slot zero: software/zero/ for padding
//#slot seen: software/seen/ for shown, finish
//#slot output: output/ for form_of, emit

alias Sums = vec4<f32>;

struct Geometry {
  window: Window,
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
fn main(thread: Thread) {
  let group = thread.workgroup.x * 4u + thread.local;
  if (group >= geometry.window.out_groups) {
    finish(thread);
    return;
  }
  let ox = thread.workgroup.y * WIDTH;
  let image = thread.workgroup.z / geometry.strips;
  let first = thread.workgroup.z % geometry.strips * geometry.rows;
  let end = min(first + geometry.rows, geometry.window.out_height);
  // differences wrap, so above 0 is beyond the height
  var y = first * geometry.window.stride_y - geometry.window.pad_top;
  let last = geometry.window.out_width - 1u - ox;
  let left = ox * geometry.window.stride_x - geometry.window.pad_left;
  let pitch = geometry.window.in_width * geometry.window.in_groups;
  let plane = image * geometry.window.in_height * pitch + group;
  //#for $x in 0..WINDOW_WIDTH
  let column_$x = left + $x;
  let inside_$x = column_$x < geometry.window.in_width;
  let offset_$x = plane + select(0u, column_$x * geometry.window.in_groups, inside_$x);
  //#end
  let zeros = weight_zeros(corrections[group * 2u + 1u]);
  //#for $j in 0..KERNEL_HEIGHT, $i in 0..KERNEL_WIDTH
  let w_$j_$i = weight_lanes(weights[($j * KERNEL_WIDTH + $i) * geometry.window.out_groups + group], zeros);
  //#end
  let start = corrections[group * 2u];
  let form = form_of(group);
  var window: array<u32, KERNEL_HEIGHT * WINDOW_WIDTH>;
  //#for $r in 0..KEPT
  let above_$r = y + $r;
  let had_$r = above_$r < geometry.window.in_height;
  let before_$r = select(0u, above_$r * pitch, had_$r);
  //#for $x in 0..WINDOW_WIDTH
  window[$r * WINDOW_WIDTH + $x] =
    select(padding(), input[offset_$x + before_$r] ^ geometry.input_flip, inside_$x && had_$r);
  //#end
  //#end
  y += KEPT;
  var at = ((image * geometry.window.out_height + first) * geometry.window.out_width + ox) * geometry.window.out_groups + group;
  for (var oy = first; oy < end; oy++) {
    //#for $r in 0..NEW
    let row_$r = y + $r;
    let within_$r = row_$r < geometry.window.in_height;
    let line_$r = select(0u, row_$r * pitch, within_$r);
    //#for $x in 0..WINDOW_WIDTH
    window[(KEPT + $r) * WINDOW_WIDTH + $x] =
      select(padding(), input[offset_$x + line_$r] ^ geometry.input_flip, inside_$x && within_$r);
    //#end
    //#end
    var values: array<vec4<f32>, KERNEL_HEIGHT * WINDOW_WIDTH>;
    //#for $j in 0..KERNEL_HEIGHT, $x in 0..WINDOW_WIDTH
    values[$j * WINDOW_WIDTH + $x] = byte_lanes(window[$j * WINDOW_WIDTH + $x]);
    //#end
    var sums: array<vec4<f32>, WIDTH>;
    //#for $u in 0..WIDTH
    //#for $c in 0..4
    var sum_$u_$c = start[$c];
    //#for $j in 0..KERNEL_HEIGHT, $i in 0..KERNEL_WIDTH
    sum_$u_$c += values[$j * WINDOW_WIDTH + $u * STRIDE + $i][$c] * w_$j_$i[$c];
    //#end
    //#end
    sums[$u] = vec4<f32>(sum_$u_0, sum_$u_1, sum_$u_2, sum_$u_3);
    //#end
    // from the right: what a column beyond the last writes is written over by the first, for less than an if a column
    //#for $u in 0..WIDTH
    let is_inside_$u = WIDTH - 1u - $u <= last;
    let at_$u = at + select(0u, WIDTH - 1u - $u, is_inside_$u) * geometry.window.out_groups;
    emit(at_$u, form, shown(is_inside_$u, sums[WIDTH - 1u - $u], sums[0]));
    //#end
    //#for $r in 0..KEPT, $x in 0..WINDOW_WIDTH
    window[$r * WINDOW_WIDTH + $x] = window[($r + NEW) * WINDOW_WIDTH + $x];
    //#end
    y += STRIDE;
    at += geometry.window.out_width * geometry.window.out_groups;
  }
  finish(thread);
}
