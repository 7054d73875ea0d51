// Words of one pixel: word k of the pixel that the cursor stands at.

// The pixel's first word.
alias Cursor = u32;
alias Place = u32;

fn place_of(k: u32) -> Place {
  return k;
}

fn cursor_of(pixel: u32) -> Cursor {
  return pixel * geometry.in_groups;
}

fn next(cursor: Cursor) -> Cursor {
  return cursor + geometry.in_groups;
}

// Beyond the last word of a pixel any word will do: its weights are zero.
fn load(cursor: Cursor, place: Place) -> u32 {
  return input[cursor + place] ^ geometry.input_flip;
}
