// Where a pixel lies, by its number: images one behind the other, rows one behind the other.

struct Pixel {
  image: u32,
  y: u32,
  x: u32,
}

fn pixel_of(index: u32, height: u32, width: u32) -> Pixel {
  let row = index / width;
  return Pixel(row / height, row % height, index % width);
}
