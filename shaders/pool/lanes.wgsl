// The whole plane in four lanes, (0 + 2) + (1 + 3), and what is left over one by one.
fn reduce(pixel: Pixel, group: u32, count: ptr<function, i32>) -> vec4<u32> {
  let pixels = geometry.window.in_height * geometry.window.in_width;
  let whole = pixels & ~3u;
  let first = pixel.image * pixels;
  const none = vec4<u32>(START);
  var lanes = array(none, none, none, none);
  for (var p = 0u; p < whole; p += 4u) {
    //#for $i in 0..4
    lanes[$i] = take_vector(lanes[$i], input[(first + p + u32($i)) * geometry.window.in_groups + group]);
    //#end
  }
  var all = take_vector(take_vector(lanes[0], lanes[2]), take_vector(lanes[1], lanes[3]));
  for (var p = whole; p < pixels; p++) {
    all = take(all, input[(first + p) * geometry.window.in_groups + group]);
  }
  *count = i32(pixels);
  return all;
}
