// y[n, oy, ox, c] = emit(sum over ky, kx of (x[.., c] - zx) * (w[c] - zw)); taps outside the input add nothing.
// x: NHWC, 4 channels a word; w: [ky][kx][channel] int32, zero point subtracted; y: NHWC.
// |product| <= 255 * 255; the sum is an int32 (proved at load).
//#import shared/threads
//#import shared/codes
//#import shared/window
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  input_sign: u32,
  input_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// Columns of a thread.
const TILE = 4u;

// x - zx of four channels; zero outside the input. Differences wrap, so left of 0 is beyond the width.
fn load(row: u32, ix: u32, group: u32) -> vec4<i32> {
  if (ix >= geometry.window.in_width) {
    return vec4<i32>();
  }
  let word = input[(row + ix) * geometry.window.in_groups + group] ^ geometry.input_sign;
  return unpack_codes(word) - vec4<i32>(i32(geometry.input_zero));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let out_groups = geometry.window.out_groups;
  let group = index % out_groups;
  let tile = index / out_groups;
  let tiles = (geometry.window.out_width + TILE - 1u) / TILE;
  let first = (tile % tiles) * TILE;
  let out_row = tile / tiles;
  if (out_row >= geometry.window.batch * geometry.window.out_height) {
    return;
  }
  let oy = out_row % geometry.window.out_height;
  let image = out_row / geometry.window.out_height;
  //#for $i in 0..TILE
  var sum_$i = vec4<i32>();
  //#end
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    let iy = oy * geometry.window.stride_y + ky * geometry.window.dilation_y - geometry.window.pad_top;
    if (iy >= geometry.window.in_height) {
      continue;
    }
    let row = (image * geometry.window.in_height + iy) * geometry.window.in_width;
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let w = weights[(ky * geometry.window.kernel_width + kx) * out_groups + group];
      let ix = first * geometry.window.stride_x + kx * geometry.window.dilation_x - geometry.window.pad_left;
      //#for $i in 0..TILE
      sum_$i += load(row, ix + $i * geometry.window.stride_x, group) * w;
      //#end
    }
  }
  let at = (out_row * geometry.window.out_width + first) * out_groups + group;
  let form = form_of(group);
  //#for $i in 0..TILE
  if (first + $i < geometry.window.out_width) {
    emit(at + $i * out_groups, form, sum_$i);
  }
  //#end
}
