// Nothing is added.
fn add_residual(index: u32, y: vec4<u32>, is_left: u32, opaque: u32) -> vec4<u32> {
  return y;
}
