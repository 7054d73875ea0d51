// y = emit(project(depthwise(expand(x)))): an inverted residual block, one tile of y a workgroup; the tensors between
// stay in workgroup memory. x, y: NHWC, 4 channels a word; weights: all stages', laid out by src/kernels/block_weights.ts.
// Sums wrap mod 2^32, and each stage's corrected result is an int32 (proved at load).
//#import shared/threads
//#import shared/codes
//#import shared/dot_products
//#slot output: output/ for form_of, emit
//#slot first: block/ for stage_input, fill_middle
//#slot depthwise: requantize/ for form_of, requantize as *_depthwise
//#slot source: input/ for input_word

alias Sums = vec4<i32>;

struct Geometry {
  in_height: u32,
  in_width: u32,
  middle_height: u32,
  middle_width: u32,
  out_height: u32,
  out_width: u32,
  out_groups: u32,
  expand_pad_top: u32,
  expand_pad_left: u32,
  pad_top: u32,
  pad_left: u32,
  tiles_y: u32,
  tiles_x: u32,
  tiles: u32,
  input_flip: u32,
  input_padding: u32,
  middle_padding: u32,
  expand_corrections: u32,
  depthwise_weights: u32,
  depthwise_corrections: u32,
  project_weights: u32,
  project_corrections: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

const WORKGROUP = 128u;
// A workgroup's pixels of y: a multiple of 4.
override TILE_HEIGHT: u32;
override TILE_WIDTH: u32;
// Groups of middle channels that are expanded at a time.
override CHUNK: u32;
override MIDDLE_GROUPS: u32;
override KERNEL_HEIGHT: u32;
override KERNEL_WIDTH: u32;
override STRIDE_Y: u32;
override STRIDE_X: u32;
// Weights of the depthwise stage are bytes and an offset a channel, behind the correction.
override DEPTHWISE_OFFSET: bool;
// Zero points of weights lie behind the corrections.
override PROJECT_WEIGHT_ZERO: bool;
// The engine adds the depthwise stage's products in pairs saturated to int16.
override SATURATES: bool;

override TILE_PIXELS: u32 = TILE_HEIGHT * TILE_WIDTH;
// The tile with its halo.
override MIDDLE_TILE_HEIGHT: u32 = (TILE_HEIGHT - 1u) * STRIDE_Y + KERNEL_HEIGHT;
override MIDDLE_TILE_WIDTH: u32 = (TILE_WIDTH - 1u) * STRIDE_X + KERNEL_WIDTH;
override MIDDLE_TILE_PIXELS: u32 = MIDDLE_TILE_HEIGHT * MIDDLE_TILE_WIDTH;

// Between codes and signed bytes.
const FLIP = 0x80808080u;

// Codes of the middle tensor's tile, [pixel][group of the chunk]; outside the tensor its zero point.
var<workgroup> middle: array<u32, MIDDLE_TILE_PIXELS * CHUNK>;
// The depthwise stage's results as signed bytes, [pixel][group].
var<workgroup> filtered: array<u32, TILE_PIXELS * MIDDLE_GROUPS>;

struct Tile {
  image: u32,
  // of y
  top: u32,
  left: u32,
}

fn weight(index: u32) -> vec4<i32> {
  return bitcast<vec4<i32>>(weights[index]);
}

// Sums of four pixels with the correction of their channels, behind which their weights' zero points may lie.
fn corrected(products: Products, correction: u32, has_weight_zero: bool) -> array<vec4<i32>, 4> {
  var sums = products.sums;
  //#for $i in 0..4
  sums[$i] += weight(correction);
  //#end
  if (has_weight_zero) {
    //#for $i in 0..4
    sums[$i] -= weight(correction + 1u) * products.x[$i];
    //#end
  }
  return sums;
}

// Where the middle tensor's tile begins. Differences wrap, so left of 0 is beyond the width.
fn middle_corner(tile: Tile) -> vec2<u32> {
  return vec2<u32>(tile.top * STRIDE_Y - geometry.pad_top, tile.left * STRIDE_X - geometry.pad_left);
}

fn is_in_middle(tile: Tile, pixel: u32) -> bool {
  let at = middle_corner(tile) + vec2<u32>(pixel / MIDDLE_TILE_WIDTH, pixel % MIDDLE_TILE_WIDTH);
  return at.x < geometry.middle_height && at.y < geometry.middle_width;
}

fn saturate(products: vec4<i32>) -> vec4<i32> {
  return clamp(products, vec4<i32>(-32768), vec4<i32>(32767));
}

// A word of four channels' weights, as signed bytes: [group][tap], padded to whole vec4s.
fn depthwise_weights(group: u32, tap: u32) -> vec4<i32> {
  let taps = (KERNEL_HEIGHT * KERNEL_WIDTH + 3u) / 4u;
  let word = weights[geometry.depthwise_weights + group * taps + tap / 4u][tap & 3u];
  return vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}

fn filter_group(corner: u32, group: u32) -> vec4<i32> {
  let correction = geometry.depthwise_corrections + group * select(1u, 2u, DEPTHWISE_OFFSET);
  var sum = weight(correction);
  var code_sum = vec4<i32>();
  var first_of_pair = vec4<i32>();
  for (var ky = 0u; ky < KERNEL_HEIGHT; ky++) {
    for (var kx = 0u; kx < KERNEL_WIDTH; kx++) {
      let tap = ky * KERNEL_WIDTH + kx;
      let codes = unpack_codes(middle[corner + (ky * MIDDLE_TILE_WIDTH + kx) * CHUNK]);
      let product = codes * depthwise_weights(group, tap);
      if (DEPTHWISE_OFFSET) {
        code_sum += codes;
      }
      if (!SATURATES) {
        sum += product;
      } else if ((tap & 1u) == 1u) {
        sum += saturate(first_of_pair + product);
        first_of_pair = vec4<i32>();
      } else {
        first_of_pair = product;
      }
    }
  }
  if (DEPTHWISE_OFFSET) {
    sum += weight(correction + 1u) * code_sum;
  }
  return sum + saturate(first_of_pair);
}

fn filter_chunk(first_group: u32, thread: u32) {
  for (var item = thread; item < TILE_PIXELS * CHUNK; item += WORKGROUP) {
    let lane = item % CHUNK;
    let group = first_group + lane;
    if (group < MIDDLE_GROUPS) {
      let pixel = item / CHUNK;
      let row = (pixel / TILE_WIDTH) * STRIDE_Y;
      let column = (pixel % TILE_WIDTH) * STRIDE_X;
      let sum = filter_group((row * MIDDLE_TILE_WIDTH + column) * CHUNK + lane, group);
      filtered[pixel * MIDDLE_GROUPS + group] = requantize_depthwise(form_of_depthwise(group), sum) ^ FLIP;
    }
  }
}

fn store(tile: Tile, pixel: u32, group: u32, sum: vec4<i32>) {
  let y = tile.top + pixel / TILE_WIDTH;
  let x = tile.left + pixel % TILE_WIDTH;
  if (y < geometry.out_height && x < geometry.out_width) {
    emit(((tile.image * geometry.out_height + y) * geometry.out_width + x) * geometry.out_groups + group, form_of(group), sum);
  }
}

// Each item: four pixels, four channels.
fn project(tile: Tile, thread: u32) {
  for (var item = thread; item < TILE_PIXELS / 4u * geometry.out_groups; item += WORKGROUP) {
    let group = item % geometry.out_groups;
    let first = (item / geometry.out_groups) * 4u;
    let rows = (vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u)) * MIDDLE_GROUPS;
    let correction = geometry.project_corrections + group * select(1u, 2u, PROJECT_WEIGHT_ZERO);
    var products = Products();
    for (var k = 0u; k < MIDDLE_GROUPS; k++) {
      let x = vec4<u32>(filtered[rows.x + k], filtered[rows.y + k], filtered[rows.z + k], filtered[rows.w + k]);
      add_products(&products, x, weights[geometry.project_weights + k * geometry.out_groups + group], PROJECT_WEIGHT_ZERO);
    }
    let sums = corrected(products, correction, PROJECT_WEIGHT_ZERO);
    //#for $i in 0..4
    store(tile, first + $i, group, sums[$i]);
    //#end
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(own: Workgroup, @builtin(local_invocation_index) thread: u32) {
  let index = workgroup_index(own);
  if (index >= geometry.tiles) {
    return;
  }
  let row = index / geometry.tiles_x;
  let tile = Tile(
    row / geometry.tiles_y,
    (row % geometry.tiles_y) * TILE_HEIGHT,
    (index % geometry.tiles_x) * TILE_WIDTH
  );
  stage_input(tile, thread);
  workgroupBarrier();
  for (var first_group = 0u; first_group < MIDDLE_GROUPS; first_group += CHUNK) {
    fill_middle(tile, first_group, thread);
    workgroupBarrier();
    filter_chunk(first_group, thread);
    workgroupBarrier();
  }
  project(tile, thread);
}
