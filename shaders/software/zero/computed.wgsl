// What is outside of the input: its zero point, a tensor of one byte. The geometry has it as 0.

@group(1) @binding($) var<storage, read> zero_point: array<u32, 1>;

fn padding() -> u32 {
  return geometry.padding ^ ((zero_point[0] & 255u) * 0x01010101u);
}
