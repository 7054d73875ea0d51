// The source of every element by itself: four entries a group, negative where nothing moves there.

fn sources_of(index: u32) -> vec4<i32> {
  let at = index * 4u;
  return vec4<i32>(places[at], places[at + 1u], places[at + 2u], places[at + 3u]);
}
