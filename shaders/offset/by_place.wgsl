// Sums of x * (w - zw) of an input that is padded with 0: less its zero point, a tensor of one byte, times the weights that
// have a pixel of the input under them.
// offsets: groups of channels, width, height and different columns of the output; a number for each row, then one for each
// column; then the sums of weights, a group of channels behind the other, of each row's number and each column's.

alias Offset = u32;

@group(1) @binding($) var<storage, read> zero_point: array<u32, 1>;
@group(1) @binding($) var<storage, read> offsets: array<i32>;

fn offset_of(group: u32) -> Offset {
  return group;
}

fn offset_at(index: u32, offset: Offset) -> Sums {
  let groups = u32(offsets[0]);
  let width = u32(offsets[1]);
  let height = u32(offsets[2]);
  let pixel = index / groups;
  let row = u32(offsets[4u + pixel / width % height]);
  let column = u32(offsets[4u + height + pixel % width]);
  let at = 4u + height + width + ((row * u32(offsets[3]) + column) * groups + index % groups) * 4u;
  let weights = vec4<i32>(offsets[at], offsets[at + 1u], offsets[at + 2u], offsets[at + 3u]);
  return Sums(i32(zero_point[0] & 255u) * weights);
}
