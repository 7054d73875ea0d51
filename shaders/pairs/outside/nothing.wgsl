// Outside of the input nothing is multiplied, and weights are in no sum.

fn outside() -> vec4<i32> {
  return vec4<i32>();
}

// corrections: behind those of all taps, those of each tap.
fn zeros(pixel: Pixel, group: u32) -> vec4<i32> {
  var at = group;
  var sum = corrections[at];
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      at += geometry.window.out_groups;
      if (input_pixel(pixel, ky, kx) == OUTSIDE) {
        sum -= corrections[at];
      }
    }
  }
  return sum;
}
