// Sums of x * (w - zw) of an input that is padded with its zero point, a tensor of one byte: less that times a channel's
// weights.
// scaling: as output/scaled has it, of which it takes the weights' sums.

alias Offset = Sums;

@group(1) @binding($) var<storage, read> zero_point: array<u32, 1>;
@group(1) @binding($) var<storage, read> scaling: array<vec4<u32>>;

fn offset_of(group: u32) -> Offset {
  return Sums(i32(zero_point[0] & 255u) * bitcast<vec4<i32>>(scaling[4u + 2u * group]));
}

fn offset_at(index: u32, offset: Offset) -> Sums {
  return offset;
}
