// y = clamp(rne(x / scale) + zero point, 0, 255); NaN becomes 0. x: 4 channels' bits, in groups or planes; y: 4 channels a word.
//#count INPUT_WORDS
//#count OUTPUT_WORDS
//#import shared/threads
//#import shared/float32_lanes
//#import shared/float32_round
//#slot moderate: moderate/ for is_moderate, moderate_divide, moderate_round

struct Geometry {
  groups: u32,
  // words from a group to the next, and from one of its channels to the next
  step: u32,
  plane: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32, INPUT_WORDS>;
@group(0) @binding(1) var<storage, read> scale: array<u32, 1>;
@group(0) @binding(2) var<storage, read> zero_point: array<u32, 1>;
@group(0) @binding(3) var<storage, read_write> output: array<u32, OUTPUT_WORDS>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

// Groups of a thread.
const TILE = 8u;

fn load(index: u32) -> vec4<u32> {
  let at = index * geometry.step;
  let plane = geometry.plane;
  return vec4<u32>(input[at], input[at + plane], input[at + 2u * plane], input[at + 3u * plane]);
}

// Integers between 0 and 255, less the zero point.
fn word_of(whole: vec4<i32>, zero: i32) -> u32 {
  return u32(whole.x + whole.y * 256 + whole.z * 65536 + whole.w * 16777216 + zero * 0x01010101);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let own = thread.workgroup.y * thread.workgroups.x + thread.workgroup.x;
  let first = own * WORKGROUP_SIZE * TILE + thread.local;
  let end = min((own + 1u) * WORKGROUP_SIZE * TILE, geometry.groups);
  let by = scale[0];
  let zero = i32(zero_point[0] & 255u);
  let opaque = geometry.opaque;
  let is_native = is_moderate(by);
  // one of two loops: an if that is not taken costs what it holds where lanes are masked
  let end_of_native = select(0u, end, is_native);
  for (var index = first; index < end_of_native; index += WORKGROUP_SIZE) {
    output[index] = word_of(moderate_round(moderate_divide(load(index), by, opaque), -zero, 255 - zero), zero);
  }
  let end_of_integers = select(end, 0u, is_native);
  for (var index = first; index < end_of_integers; index += WORKGROUP_SIZE) {
    let x = load(index);
    let whole = float_to_int(divide_lanes(x, x, vec4<u32>(by), 4u));
    output[index] = word_of(clamp(whole, vec4<i32>(-zero), vec4<i32>(255 - zero)), zero);
  }
}
