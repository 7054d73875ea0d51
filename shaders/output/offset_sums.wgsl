// A kernel's int32 sums of x * (w - zw), less the input's zero point, a tensor of one byte, times the weights that have a
// pixel of the input under them: four words where the codes take one.
// offsets: groups of channels, width, height and different columns of the output; a number for each row, then one for each
// column; then the sums of weights, a group of channels behind the other, of each row's number and each column's.

alias Form = u32;

@group(1) @binding($) var<storage, read> zero_point: array<u32>;
@group(1) @binding($) var<storage, read> offsets: array<i32>;

fn form_of(group: u32) -> Form {
  return group;
}

fn without_zero_point(index: u32, sums: vec4<i32>) -> vec4<i32> {
  let groups = u32(offsets[0]);
  let width = u32(offsets[1]);
  let height = u32(offsets[2]);
  let pixel = index / groups;
  let row = u32(offsets[4u + pixel / width % height]);
  let column = u32(offsets[4u + height + pixel % width]);
  let at = 4u + height + width + ((row * u32(offsets[3]) + column) * groups + index % groups) * 4u;
  let weights = vec4<i32>(offsets[at], offsets[at + 1u], offsets[at + 2u], offsets[at + 3u]);
  return sums - i32(zero_point[0] & 255u) * weights;
}

fn emit(index: u32, form: Form, sums: Sums) {
  let whole = without_zero_point(index, vec4<i32>(sums));
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = bitcast<u32>(whole[lane]);
  }
}
