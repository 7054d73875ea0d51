// The rows of each column, then the columns; those outside take part. The last columns of the input are no whole vector.
fn reduce(pixel: Pixel, group: u32, count: ptr<function, i32>) -> vec4<u32> {
  let whole = geometry.window.in_width & ~3u;
  var all = vec4<u32>();
  for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
    // left of 0 is beyond the width
    let is_whole = pixel.x * geometry.window.stride_x + kx - geometry.window.pad_left < whole;
    var column = vec4<u32>(START);
    var rows = 0;
    for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
      let at = input_pixel(pixel, ky, kx);
      if (at == OUTSIDE) {
        continue;
      }
      let x = input[at + group];
      if (rows == 0) {
        column = x;
      } else if (is_whole) {
        column = take_vector(column, x);
      } else {
        column = take(column, x);
      }
      rows++;
    }
    *count += rows;
    if (kx == 0u) {
      all = column;
    } else {
      all = take_vector(all, column);
    }
  }
  return all;
}
