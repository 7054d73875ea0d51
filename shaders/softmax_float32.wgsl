// y = e^(x - largest) times the reciprocal of their sum, of rows along an axis, in float32: summed in four lanes, (0 + 2) +
// (1 + 3), and what is left over one by one. x, y: words, with padding between channels; a thread has a row, which begins
// where its three other coordinates are, and whose elements are a step apart.
// Constants: the least difference, those of shared/exponential, 7 coefficients.
//#import shared/threads
//#import shared/polynomial
//#import shared/exponential
//#import shared/float32_compare
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int

struct Geometry {
  rows: u32,
  length: u32,
  step: u32,
  middle: u32,
  inner: u32,
  outer_step: u32,
  middle_step: u32,
  inner_step: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> constants: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn constant(index: u32) -> vec4<u32> {
  return vec4<u32>(constants[index]);
}

fn term(x: vec4<u32>, largest: u32) -> vec4<u32> {
  let difference = float_add(x, vec4<u32>(largest ^ SIGN));
  let least = constant(0u);
  let parts = reduced(select(difference, least, float_less(difference, least)), 1u);
  return float_multiply(polynomial(5u, 7u, parts.rest), parts.power);
}

// four elements of a row
fn elements(at: u32) -> vec4<u32> {
  return vec4<u32>(
    input[at],
    input[at + geometry.step],
    input[at + 2u * geometry.step],
    input[at + 3u * geometry.step]
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let row = thread_index(thread);
  if (row >= geometry.rows) {
    return;
  }
  let outer = row / geometry.inner / geometry.middle;
  let middle = row / geometry.inner % geometry.middle;
  let first = outer * geometry.outer_step + middle * geometry.middle_step + row % geometry.inner * geometry.inner_step;
  var largest = vec4<u32>(input[first]);
  for (var i = 1u; i < geometry.length; i++) {
    let x = vec4<u32>(input[first + i * geometry.step]);
    largest = select(largest, x, float_less(largest, x) | is_nan(x));
  }
  let whole = geometry.length & ~3u;
  var lanes = vec4<u32>();
  for (var i = 0u; i < whole; i += 4u) {
    lanes = float_add(lanes, term(elements(first + i * geometry.step), largest.x));
  }
  let pairs = float_add(lanes, lanes.zwxy);
  var sum = float_add(pairs, pairs.yxwz);
  for (var i = whole; i < geometry.length; i++) {
    sum = float_add(sum, term(vec4<u32>(input[first + i * geometry.step]), largest.x));
  }
  let reciprocal = float_divide(vec4<u32>(0x3f800000u), sum);
  for (var i = 0u; i < geometry.length; i++) {
    let at = first + i * geometry.step;
    output[at] = float_multiply(term(vec4<u32>(input[at]), largest.x), reciprocal).x;
  }
}
