// Words of one pixel: word k of the pixel that the cursor stands at.

// Index of word `word` of the pixel, and words ahead of it: a constant, so that no lane keeps a place in a register.
alias Cursor = u32;
alias Place = u32;

fn place_of(word: u32, ahead: u32) -> Place {
  return ahead;
}

fn cursor_of(pixel: u32, word: u32) -> Cursor {
  return pixel * geometry.window.in_groups + word;
}

fn next(cursor: Cursor) -> Cursor {
  return cursor + geometry.window.in_groups;
}

// Beyond the last word of a pixel any word will do: its weights are zero.
fn load(cursor: Cursor, place: Place) -> u32 {
  return input[cursor + place] ^ geometry.input_flip;
}
