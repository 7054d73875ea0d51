// The zero point of uint8 values.
//#import shared/range_scale

fn parameter_of(least: u32, most: u32) -> u32 {
  return zero_point_of(least, most);
}
