// y[row, n] = emit(sum over k of (a[row, k] - za) * (b[image, k, n] - zb)), of rows that are counted over all images.
// a, b, y: the last dimension in words of four codes. One function for all; |sum| is an int32 (proved at load).
//#import shared/threads
//#import shared/codes
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  // of all images
  groups: u32,
  rows: u32,
  depth: u32,
  a_groups: u32,
  out_groups: u32,
  a_sign: u32,
  b_sign: u32,
  a_zero: u32,
  b_zero: u32,
}

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  if (index >= geometry.groups) {
    return;
  }
  let row = index / geometry.out_groups;
  var at = row / geometry.rows * geometry.depth * geometry.out_groups + index % geometry.out_groups;
  var sums = vec4<i32>();
  for (var k = 0u; k < geometry.depth; k++) {
    let word = a[row * geometry.a_groups + (k >> 2u)] ^ geometry.a_sign;
    let x = i32((word >> ((k & 3u) * 8u)) & 255u) - i32(geometry.a_zero);
    sums += x * (unpack_codes(b[at] ^ geometry.b_sign) - vec4<i32>(i32(geometry.b_zero)));
    at += geometry.out_groups;
  }
  emit(index, form_of(0u), sums);
}
