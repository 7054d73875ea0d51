// Without subgroups, every lane loads all words: word_of_s is the word that lane ^ s would load.

//#for $s in 0..4
fn word_of_$s(own: u32, cursor: Cursor, word: u32, ahead: u32, lane: u32) -> u32 {
  return load(cursor, place_of(word, ahead + (lane ^ $s) - lane));
}
//#end
