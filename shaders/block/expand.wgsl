// The first stage of an inverted residual block: a convolution of the input's tile gives the middle tensor's tile.
// weights: [ky][kx][word][group] of 4 words.
//#import shared/dot_products
//#slot expand: requantize/ for form_of, requantize as *_expand

override IN_GROUPS: u32;
override EXPAND_KERNEL_HEIGHT: u32;
override EXPAND_KERNEL_WIDTH: u32;
override EXPAND_STRIDE_Y: u32;
override EXPAND_STRIDE_X: u32;
override EXPAND_WEIGHT_ZERO: bool;

override INPUT_TILE_HEIGHT: u32 = (MIDDLE_TILE_HEIGHT - 1u) * EXPAND_STRIDE_Y + EXPAND_KERNEL_HEIGHT;
override INPUT_TILE_WIDTH: u32 = (MIDDLE_TILE_WIDTH - 1u) * EXPAND_STRIDE_X + EXPAND_KERNEL_WIDTH;

// Signed bytes, [pixel][word]; outside the input its zero point.
var<workgroup> input_tile: array<u32, INPUT_TILE_HEIGHT * INPUT_TILE_WIDTH * IN_GROUPS>;

fn stage_input(tile: Tile, thread: u32) {
  let corner = middle_corner(tile) * vec2<u32>(EXPAND_STRIDE_Y, EXPAND_STRIDE_X) -
    vec2<u32>(geometry.expand_pad_top, geometry.expand_pad_left);
  for (var i = thread; i < INPUT_TILE_HEIGHT * INPUT_TILE_WIDTH * IN_GROUPS; i += WORKGROUP) {
    let pixel = i / IN_GROUPS;
    let y = corner.x + pixel / INPUT_TILE_WIDTH;
    let x = corner.y + pixel % INPUT_TILE_WIDTH;
    var word = geometry.input_padding;
    if (y < geometry.in_height && x < geometry.in_width) {
      word = input_word(((tile.image * geometry.in_height + y) * geometry.in_width + x) * IN_GROUPS + i % IN_GROUPS);
    }
    input_tile[i] = word;
  }
}

fn fill(tile: Tile, pixel: u32, lane: u32, group: u32, sum: vec4<i32>) {
  let codes = requantize_expand(form_of_expand(group), sum);
  middle[pixel * CHUNK + lane] = select(geometry.middle_padding, codes, is_in_middle(tile, pixel));
}

// Each item: four pixels, four channels; beyond the last pixel, that one again.
fn fill_middle(tile: Tile, first_group: u32, thread: u32) {
  for (var item = thread; item < (MIDDLE_TILE_PIXELS + 3u) / 4u * CHUNK; item += WORKGROUP) {
    let lane = item % CHUNK;
    let group = first_group + lane;
    if (group < MIDDLE_GROUPS) {
      let first = (item / CHUNK) * 4u;
      let pixels = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(MIDDLE_TILE_PIXELS - 1u));
      let rows = pixels / MIDDLE_TILE_WIDTH * EXPAND_STRIDE_Y * INPUT_TILE_WIDTH;
      let corners = (rows + pixels % MIDDLE_TILE_WIDTH * EXPAND_STRIDE_X) * IN_GROUPS;
      let correction = geometry.expand_corrections + group * select(1u, 2u, EXPAND_WEIGHT_ZERO);
      var products = Products();
      var at_weight = group;
      for (var ky = 0u; ky < EXPAND_KERNEL_HEIGHT; ky++) {
        for (var i = 0u; i < EXPAND_KERNEL_WIDTH * IN_GROUPS; i++) {
          let at = corners + vec4<u32>(ky * INPUT_TILE_WIDTH * IN_GROUPS + i);
          let x = vec4<u32>(input_tile[at.x], input_tile[at.y], input_tile[at.z], input_tile[at.w]);
          add_products(&products, x, weights[at_weight], EXPAND_WEIGHT_ZERO);
          at_weight += MIDDLE_GROUPS;
        }
      }
      let sums = corrected(products, correction, EXPAND_WEIGHT_ZERO);
      //#for $i in 0..4
      fill(tile, pixels[$i], lane, group, sums[$i]);
      //#end
    }
  }
}
