// The source is a sum of what each coordinate adds: places holds a list for batch, height, width and channel each.
// Entries are negative where nothing moves there; the rest adds up to less than 2^31.
//#import shared/pixel

fn sources_of(index: u32) -> vec4<i32> {
  let first = (index % geometry.channel_groups) * 4u;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.out_height, geometry.out_width);
  let rows = geometry.batch;
  let columns = rows + geometry.out_height;
  let channels = columns + geometry.out_width + first;
  let parts = vec3<i32>(places[pixel.image], places[rows + pixel.y], places[columns + pixel.x]);
  let channel = vec4<i32>(places[channels], places[channels + 1u], places[channels + 2u], places[channels + 3u]);
  if (any(parts < vec3<i32>())) {
    return vec4<i32>(-1);
  }
  let sum = i32(geometry.base) + parts.x + parts.y + parts.z;
  return select(sum + channel, vec4<i32>(-1), channel < vec4<i32>());
}
