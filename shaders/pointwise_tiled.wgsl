// y[p, o] = emit(sum over c of (x[p, c] - zx) * (w[o, c] - zw)), as pointwise.wgsl, operands and layouts as there.
// A workgroup computes 4 * SIDE pixels by SIDE groups of outputs from tiles of both operands in workgroup memory; SLICES of
// its threads share a sum's words among them. |dot4| <= 2^16; sums wrap mod 2^32, the corrected one is an int32 (at load).
//#count SIDE
//#import shared/threads
//#import shared/dot_products
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

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

const SLICES = WORKGROUP_SIZE / (SIDE * SIDE);
// words of a sum that are staged at a time
const DEPTH = SLICES * SIDE;

// [pixel][word]
var<workgroup> x_tile: array<u32, 4u * WORKGROUP_SIZE>;
// [word][group]
var<workgroup> w_tile: array<vec4<u32>, WORKGROUP_SIZE>;
// [slice][four pixels][group][pixel]
var<workgroup> sums: array<vec4<i32>, 4u * WORKGROUP_SIZE>;
// [slice][four pixels][group]
var<workgroup> x_sums: array<vec4<i32>, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(own: Workgroup, @builtin(local_invocation_index) thread: u32) {
  let tile = workgroup_index(own);
  let columns = (geometry.out_groups + SIDE - 1u) / SIDE;
  let first_group = tile % columns * SIDE;
  let first_pixel = tile / columns * SIDE * 4u;
  let column = thread % SIDE;
  let row = thread / SIDE % SIDE;
  let slice = thread / (SIDE * SIDE);
  let own_word = thread / SIDE;
  let own_group = min(first_group + column, geometry.out_groups - 1u);
  //#for $i in 0..4
  var sum_$i = vec4<i32>();
  //#end
  var x_sum = vec4<i32>();
  for (var start = 0u; start < geometry.in_groups; start += DEPTH) {
    // what lies beyond the last word, or pixel, adds nothing
    //#for $i in 0..4
    let at_$i = thread + $i * WORKGROUP_SIZE;
    let word_$i = start + at_$i % DEPTH;
    let pixel_$i = first_pixel + at_$i / DEPTH;
    let inside_$i = word_$i < geometry.in_groups && pixel_$i < geometry.pixels;
    let index_$i = select(0u, pixel_$i * geometry.in_groups + word_$i, inside_$i);
    x_tile[at_$i] = select(0u, input[index_$i] ^ geometry.input_flip, inside_$i);
    //#end
    let word = start + own_word;
    let there = word < geometry.in_groups;
    w_tile[thread] = select(vec4<u32>(), weights[select(0u, word, there) * geometry.out_groups + own_group], there);
    workgroupBarrier();
    for (var k = slice * SIDE; k < slice * SIDE + SIDE; k++) {
      let w = w_tile[k * SIDE + column];
      //#for $i in 0..4
      let x_$i = x_tile[(row * 4u + $i) * DEPTH + k];
      sum_$i += dot4_each(x_$i, w);
      //#end
      if (HAS_WEIGHT_ZERO) {
        x_sum += byte_sums(vec4<u32>(x_0, x_1, x_2, x_3));
      }
    }
    workgroupBarrier();
  }
  //#for $i in 0..4
  sums[thread * 4u + $i] = sum_$i;
  //#end
  x_sums[thread] = x_sum;
  workgroupBarrier();
  for (var at = thread; at < 4u * SIDE * SIDE; at += WORKGROUP_SIZE) {
    let cell = at / 4u;
    let group = first_group + cell % SIDE;
    let pixel = first_pixel + cell / SIDE * 4u + at % 4u;
    if (group < geometry.out_groups && pixel < geometry.pixels) {
      var total = vec4<i32>();
      var x_total = 0;
      for (var other = 0u; other < SLICES; other++) {
        total += sums[other * SIDE * SIDE * 4u + at];
        x_total += x_sums[other * SIDE * SIDE + cell][at % 4u];
      }
      let offset = corrections[group * 2u];
      let weight_zero = corrections[group * 2u + 1u];
      emit(pixel * geometry.out_groups + group, form_of(group), total + offset - weight_zero * x_total);
    }
  }
}
