// The source is a sum of what each coordinate adds: places holds a list for batch, height, width and channel each.
// Entries are negative where nothing moves there; the rest adds up to less than 2^31.

fn sources_of(index: u32) -> vec4<i32> {
  let first = (index % geometry.channel_groups) * 4u;
  let pixel = index / geometry.channel_groups;
  let x = pixel % geometry.out_width;
  let row = pixel / geometry.out_width;
  let y = row % geometry.out_height;
  let image = row / geometry.out_height;
  let rows = geometry.batch;
  let columns = rows + geometry.out_height;
  let channels = columns + geometry.out_width + first;
  let parts = vec3<i32>(places[image], places[rows + y], places[columns + x]);
  let channel = vec4<i32>(places[channels], places[channels + 1u], places[channels + 2u], places[channels + 3u]);
  if (any(parts < vec3<i32>())) {
    return vec4<i32>(-1);
  }
  let sum = i32(geometry.base) + parts.x + parts.y + parts.z;
  return select(sum + channel, vec4<i32>(-1), channel < vec4<i32>());
}
