// y[i] = the element at i of the first input that reaches there along the axis; up to six inputs.
// Inputs and y: NHWC, 4 channels a word (FLOATS: four words), one quantization. starts: where each input begins along the axis.
//#import shared/threads
//#import shared/codes
//#import shared/pixel

struct Geometry {
  groups: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  axis: u32,
  size: u32,
  start_1: u32,
  start_2: u32,
  start_3: u32,
  start_4: u32,
  start_5: u32,
}

@group(0) @binding(0) var<storage, read> input_0: array<u32>;
@group(0) @binding(1) var<storage, read> input_1: array<u32>;
@group(0) @binding(2) var<storage, read> input_2: array<u32>;
@group(0) @binding(3) var<storage, read> input_3: array<u32>;
@group(0) @binding(4) var<storage, read> input_4: array<u32>;
@group(0) @binding(5) var<storage, read> input_5: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// Are elements words, and not bytes?
override FLOATS: bool;

const BATCH = 0u;
const CHANNELS = 1u;
const HEIGHT = 2u;
const WIDTH = 3u;

fn start_of(number: u32) -> u32 {
  switch number {
    case 0u: { return 0u; }
    case 1u: { return geometry.start_1; }
    case 2u: { return geometry.start_2; }
    case 3u: { return geometry.start_3; }
    case 4u: { return geometry.start_4; }
    case 5u: { return geometry.start_5; }
    default: { return geometry.size; }
  }
}

fn word_of(number: u32, at: u32) -> u32 {
  switch number {
    case 0u: { return input_0[at]; }
    case 1u: { return input_1[at]; }
    case 2u: { return input_2[at]; }
    case 3u: { return input_3[at]; }
    case 4u: { return input_4[at]; }
    default: { return input_5[at]; }
  }
}

// coordinates: batch, channel, height, width
fn element_at(coordinates: vec4<u32>) -> u32 {
  let along = coordinates[geometry.axis];
  var number = 0u;
  while (number < 5u && along >= start_of(number + 1u)) {
    number++;
  }
  let length = start_of(number + 1u) - start_of(number);
  var at = coordinates;
  at[geometry.axis] = along - start_of(number);
  let height = select(geometry.out_height, length, geometry.axis == HEIGHT);
  let width = select(geometry.out_width, length, geometry.axis == WIDTH);
  let groups = select(geometry.channel_groups, (length + 3u) >> 2u, geometry.axis == CHANNELS);
  let pixel = (at[BATCH] * height + at[HEIGHT]) * width + at[WIDTH];
  if (FLOATS) {
    return word_of(number, pixel * groups * 4u + at[CHANNELS]);
  }
  let word = word_of(number, pixel * groups + (at[CHANNELS] >> 2u));
  return (word >> ((at[CHANNELS] & 3u) * 8u)) & 255u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let first = (index % geometry.channel_groups) * 4u;
  let pixel = pixel_of(index / geometry.channel_groups, geometry.out_height, geometry.out_width);
  var elements = vec4<u32>();
  for (var lane = 0u; lane < 4u; lane++) {
    // the lanes that pad the last group may lie beyond every input
    if (geometry.axis != CHANNELS || first + lane < geometry.size) {
      elements[lane] = element_at(vec4<u32>(pixel.image, first + lane, pixel.y, pixel.x));
    }
  }
  if (FLOATS) {
    //#for $i in 0..4
    output[index * 4u + $i] = elements[$i];
    //#end
  } else {
    output[index] = pack_codes(elements);
  }
}
