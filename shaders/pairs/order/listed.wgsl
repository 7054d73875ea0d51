// Slots in any order: places has ky, kx and channel of each.

fn product(pixel: Pixel, group: u32, slot: u32) -> vec4<i32> {
  let place = places[slot];
  let at = input_pixel(pixel, place.x, place.y);
  var x = outside();
  if (at != OUTSIDE) {
    x = load(at, group, place.z);
  }
  return x * weights[slot * geometry.window.out_groups + group];
}

fn pair_sums(pixel: Pixel, group: u32) -> vec4<i32> {
  var sums = vec4<i32>();
  for (var slot = 0u; slot < geometry.slots; slot += 2u) {
    sums += narrow(product(pixel, group, slot) + product(pixel, group, slot + 1u));
  }
  return sums;
}
