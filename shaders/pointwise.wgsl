// y[p, o] = emit(sum over c of (x[p, c] - zx) * (w[o, c] - zw)): a 1 by 1 convolution, or a fully connected layer.
// x: [pixel][word of 4 channels]; w: [word][group of 4 outputs] of 4 words; y: [pixel][group].
// |dot4| <= 2^16; the sums wrap mod 2^32, and the corrected result is an int32 (proved at load).

struct Geometry {
  pixels: u32,
  in_groups: u32,
  out_groups: u32,
  input_flip: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override HAS_WEIGHT_ZERO: bool;

const TILE = 4u;
const ONES = 0x01010101u;

fn dot4_each(x: u32, w: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4(x, w.x), dot4(x, w.y), dot4(x, w.z), dot4(x, w.w));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let thread = thread_index(workgroup_id, num_workgroups, local_index);
  let group = thread % geometry.out_groups;
  let first = (thread / geometry.out_groups) * TILE;
  if (first >= geometry.pixels) {
    return;
  }
  // a tile that reaches beyond the last pixel computes that one again, and does not write it
  let last = geometry.pixels - 1u;
  let rows = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)) * geometry.in_groups;
  var sum0 = vec4<i32>();
  var sum1 = vec4<i32>();
  var sum2 = vec4<i32>();
  var sum3 = vec4<i32>();
  var x_sums = vec4<i32>();
  for (var k = 0u; k < geometry.in_groups; k++) {
    let w = weights[k * geometry.out_groups + group];
    let x0 = input[rows.x + k] ^ geometry.input_flip;
    let x1 = input[rows.y + k] ^ geometry.input_flip;
    let x2 = input[rows.z + k] ^ geometry.input_flip;
    let x3 = input[rows.w + k] ^ geometry.input_flip;
    sum0 += dot4_each(x0, w);
    sum1 += dot4_each(x1, w);
    sum2 += dot4_each(x2, w);
    sum3 += dot4_each(x3, w);
    if (HAS_WEIGHT_ZERO) {
      x_sums += vec4<i32>(dot4(x0, ONES), dot4(x1, ONES), dot4(x2, ONES), dot4(x3, ONES));
    }
  }
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  let at = first * geometry.out_groups + group;
  let form = form_of(group);
  emit(at, form, sum0 + offset - weight_zero * x_sums.x);
  if (first + 1u <= last) {
    emit(at + geometry.out_groups, form, sum1 + offset - weight_zero * x_sums.y);
  }
  if (first + 2u <= last) {
    emit(at + 2u * geometry.out_groups, form, sum2 + offset - weight_zero * x_sums.z);
  }
  if (first + 3u <= last) {
    emit(at + 3u * geometry.out_groups, form, sum3 + offset - weight_zero * x_sums.w);
  }
}
