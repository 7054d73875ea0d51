// Slots in the order ky, kx, c: as many a tap as geometry.slots, an odd last one alone.

fn pair_sums(pixel: Pixel, group: u32) -> vec4<i32> {
  let beyond = outside();
  var sums = vec4<i32>();
  var first = vec4<i32>();
  var half = false;
  var at_weight = group;
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      let at = input_pixel(pixel, ky, kx);
      for (var c = 0u; c < geometry.slots; c++) {
        var x = beyond;
        if (at != OUTSIDE) {
          x = load(at, group, c);
        }
        let product = x * weights[at_weight];
        if (half) {
          sums += narrow(first + product);
        } else {
          first = product;
        }
        half = !half;
        at_weight += geometry.window.out_groups;
      }
    }
  }
  if (half) {
    sums += narrow(first);
  }
  return sums;
}
