// Row by row.
fn reduce(pixel: Pixel, group: u32, count: ptr<function, i32>) -> vec4<u32> {
  var all = vec4<u32>(START);
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let at = input_pixel(pixel, ky, kx);
      if (at != OUTSIDE) {
        all = take(all, input[at + group]);
        *count += 1;
      }
    }
  }
  return all;
}
