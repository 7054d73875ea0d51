// y[n, o] = emit(sum over pixels of (conv(x)[n, pixel, o] - zy)): a 1 by 1 convolution and the average over all pixels.
// x: [image][pixel][word of 4 channels]; w: [word][group of 4 outputs] of 4 words; y: [image][group].
// |dot4| <= 2^16, the corrected sums are int32 (proved at load); |sum of codes| <= pixels * 255.
//#import shared/threads
//#import shared/codes
//#import shared/dot_products
//#slot output: output/ for form_of, emit
//#slot pixel: requantize/ for form_of, requantize as *_pixel

alias Sums = vec4<i32>;

struct Geometry {
  images: u32,
  pixels: u32,
  in_groups: u32,
  out_groups: u32,
  input_flip: u32,
  pool_zero: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override HAS_WEIGHT_ZERO: bool;

// A workgroup: 4 groups of channels, 16 threads each; a thread takes 4 pixels at a time.
const GROUPS = 4u;
const THREADS = 16u;

var<workgroup> partial: array<vec4<i32>, 64>;

// The codes of a pixel; none beyond the last.
fn codes_of(pixel: u32, group: u32, sum: vec4<i32>) -> vec4<i32> {
  return select(vec4<i32>(), unpack_codes(requantize_pixel(form_of_pixel(group), sum)), pixel < geometry.pixels);
}

// Codes of four pixels, added.
fn add_pixels(first: u32, image: u32, group: u32) -> vec4<i32> {
  let last = geometry.pixels - 1u;
  let pixels = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last));
  let rows = (image * geometry.pixels + pixels) * geometry.in_groups;
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  var products = Products();
  for (var k = 0u; k < geometry.in_groups; k++) {
    let x = vec4<u32>(input[rows.x + k], input[rows.y + k], input[rows.z + k], input[rows.w + k]);
    let w = weights[k * geometry.out_groups + group];
    add_products(&products, x ^ vec4<u32>(geometry.input_flip), w, HAS_WEIGHT_ZERO);
  }
  var codes = vec4<i32>();
  //#for $i in 0..4
  codes += codes_of(first + $i, group, products.sums[$i] + offset - weight_zero * products.x[$i]);
  //#end
  return codes;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(own: Workgroup, @builtin(local_invocation_index) thread: u32) {
  let per_image = (geometry.out_groups + GROUPS - 1u) / GROUPS;
  let index = workgroup_index(own);
  if (index >= per_image * geometry.images) {
    return;
  }
  let image = index / per_image;
  let group = (index % per_image) * GROUPS + thread % GROUPS;
  var sum = vec4<i32>();
  if (group < geometry.out_groups) {
    for (var first = thread / GROUPS * 4u; first < geometry.pixels; first += THREADS * 4u) {
      sum += add_pixels(first, image, group);
    }
  }
  partial[thread] = sum;
  workgroupBarrier();
  if (thread < GROUPS && group < geometry.out_groups) {
    var total = vec4<i32>(-i32(geometry.pixels * geometry.pool_zero));
    for (var other = 0u; other < THREADS; other++) {
      total += partial[other * GROUPS + thread];
    }
    emit(image * geometry.out_groups + group, form_of(0u), total);
  }
}
