// A block without a first stage: the middle tensor is the input.
// input_word gives signed bytes; the middle tensor's tile holds codes.

fn stage_input(tile: Tile, thread: u32) {
}

fn fill_middle(tile: Tile, first_group: u32, thread: u32) {
  let corner = middle_corner(tile);
  for (var item = thread; item < MIDDLE_TILE_PIXELS * CHUNK; item += WORKGROUP) {
    let pixel = item / CHUNK;
    let group = first_group + item % CHUNK;
    if (group < MIDDLE_GROUPS) {
      let y = corner.x + pixel / MIDDLE_TILE_WIDTH;
      let x = corner.y + pixel % MIDDLE_TILE_WIDTH;
      var codes = geometry.middle_padding;
      if (is_in_middle(tile, pixel)) {
        codes = input_word(((tile.image * geometry.in_height + y) * geometry.in_width + x) * MIDDLE_GROUPS + group) ^ FLIP;
      }
      middle[item] = codes;
    }
  }
}
