// y[n, o] = emit(sum over pixels of (conv(x)[n, pixel, o] - zy)): a 1 by 1 convolution and the average over all pixels.
// x: [image][pixel][word of 4 channels]; w: [word][group of 4 outputs] of 4 words; y: [image][group].
// |dot4| <= 2^16, the corrected sums are int32 (proved at load); |sum of codes| <= pixels * 255.

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

const ONES = 0x01010101u;
// A workgroup: 4 groups of channels, 16 threads each; a thread takes 4 pixels at a time.
const GROUPS = 4u;
const THREADS = 16u;

var<workgroup> partial: array<vec4<i32>, 64>;

fn dot4_each(x: u32, w: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4(x, w.x), dot4(x, w.y), dot4(x, w.z), dot4(x, w.w));
}

// The codes of a pixel; none beyond the last.
fn codes_of(pixel: u32, group: u32, sum: vec4<i32>) -> vec4<i32> {
  return select(vec4<i32>(), unpack_codes(requantize_pixel(form_of_pixel(group), sum)), pixel < geometry.pixels);
}

// Codes of four pixels, added.
fn add_pixels(first: u32, image: u32, group: u32) -> vec4<i32> {
  let last = geometry.pixels - 1u;
  let pixels = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let rows = (image * geometry.pixels + min(pixels, vec4<u32>(last))) * geometry.in_groups;
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  var sum0 = offset;
  var sum1 = offset;
  var sum2 = offset;
  var sum3 = offset;
  var x_sums = vec4<i32>();
  for (var k = 0u; k < geometry.in_groups; k++) {
    let w = weights[k * geometry.out_groups + group];
    let x = vec4<u32>(input[rows.x + k], input[rows.y + k], input[rows.z + k], input[rows.w + k]) ^
      vec4<u32>(geometry.input_flip);
    sum0 += dot4_each(x.x, w);
    sum1 += dot4_each(x.y, w);
    sum2 += dot4_each(x.z, w);
    sum3 += dot4_each(x.w, w);
    if (HAS_WEIGHT_ZERO) {
      x_sums += vec4<i32>(dot4(x.x, ONES), dot4(x.y, ONES), dot4(x.z, ONES), dot4(x.w, ONES));
    }
  }
  return codes_of(pixels.x, group, sum0 - weight_zero * x_sums.x) +
    codes_of(pixels.y, group, sum1 - weight_zero * x_sums.y) +
    codes_of(pixels.z, group, sum2 - weight_zero * x_sums.z) +
    codes_of(pixels.w, group, sum3 - weight_zero * x_sums.w);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let per_image = (geometry.out_groups + GROUPS - 1u) / GROUPS;
  let index = workgroup_id.y * num_workgroups.x + workgroup_id.x;
  if (index >= per_image * geometry.images) {
    return;
  }
  let image = index / per_image;
  let group = (index % per_image) * GROUPS + local_index % GROUPS;
  var sum = vec4<i32>();
  if (group < geometry.out_groups) {
    for (var first = local_index / GROUPS * 4u; first < geometry.pixels; first += THREADS * 4u) {
      sum += add_pixels(first, image, group);
    }
  }
  partial[local_index] = sum;
  workgroupBarrier();
  if (local_index < GROUPS && group < geometry.out_groups) {
    var total = vec4<i32>(-i32(geometry.pixels * geometry.pool_zero));
    for (var thread = 0u; thread < THREADS; thread++) {
      total += partial[thread * GROUPS + local_index];
    }
    emit(image * geometry.out_groups + group, form_of(0u), total);
  }
}
