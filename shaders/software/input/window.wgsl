// Words under the window of an output pixel, in the order ky, kx, word; the slot zero's `padding` where the window leaves the input.

struct Cursor {
  ox: u32,
  oy: u32,
  // first word of the image
  image: u32,
}

// Relative to the window's origin, which is above and left of the input where there is padding: differences wrap.
struct Place {
  y: u32,
  x: u32,
  word: u32,
}

fn place_of(word: u32, ahead: u32) -> Place {
  let k = word + ahead;
  let tap = k / geometry.window.in_groups;
  return Place(
    tap / geometry.window.kernel_width * geometry.window.dilation_y - geometry.window.pad_top,
    tap % geometry.window.kernel_width * geometry.window.dilation_x - geometry.window.pad_left,
    k % geometry.window.in_groups
  );
}

fn cursor_of(pixel: u32, word: u32) -> Cursor {
  let row = pixel / geometry.window.out_width;
  let image = row / geometry.window.out_height;
  return Cursor(
    pixel % geometry.window.out_width,
    row % geometry.window.out_height,
    image * geometry.window.in_height * geometry.window.in_width * geometry.window.in_groups
  );
}

fn next(cursor: Cursor) -> Cursor {
  var after = cursor;
  after.ox += 1u;
  if (after.ox == geometry.window.out_width) {
    after.ox = 0u;
    after.oy += 1u;
    if (after.oy == geometry.window.out_height) {
      after.oy = 0u;
      after.image += geometry.window.in_height * geometry.window.in_width * geometry.window.in_groups;
    }
  }
  return after;
}

fn load(cursor: Cursor, place: Place) -> u32 {
  let y = cursor.oy * geometry.window.stride_y + place.y;
  let x = cursor.ox * geometry.window.stride_x + place.x;
  let inside = y < geometry.window.in_height && x < geometry.window.in_width;
  let at = cursor.image + (y * geometry.window.in_width + x) * geometry.window.in_groups + place.word;
  return select(padding(), input[select(0u, at, inside)] ^ geometry.input_flip, inside);
}
