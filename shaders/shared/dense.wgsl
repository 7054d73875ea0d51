// Elements in NCHW order, as a caller's buffer has them: those of 8-bit types four a word, the first in the lowest byte.
// Tensors in GPU memory: NHWC, channels padded to fours; LANES words a group of four: 1 for 8-bit types, else 4 or 8.

override LANES: u32;

struct Dense {
  words: u32,
  elements: u32,
  channels: u32,
  channel_groups: u32,
  pixels: u32,
}

// The word of a tensor in memory in which an element begins.
fn padded_word(dense: Dense, element: u32) -> u32 {
  let pixel = element % dense.pixels;
  let channel = element / dense.pixels % dense.channels;
  let image = element / dense.pixels / dense.channels;
  let group = (image * dense.pixels + pixel) * dense.channel_groups + channel / 4u;
  return group * LANES + channel % 4u * (LANES / 4u);
}

// The byte of that word that an element of 8 bits is.
fn padded_byte(dense: Dense, element: u32) -> u32 {
  return element / dense.pixels % dense.channels % 4u;
}
