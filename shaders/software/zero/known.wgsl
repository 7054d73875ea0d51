// What is outside of the input: a constant.
fn padding() -> u32 {
  return geometry.padding;
}
