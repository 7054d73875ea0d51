// y[p, o] = emit(sum over c of (x[p, c] - zx) * (w[o, c] - zw)): a 1 by 1 convolution, or a fully connected layer.
// x: [pixel][word of 4 channels]; w: [word][group of 4 outputs] of 4 words; y: [pixel][group].
// corrections: [group of 4 outputs] of an offset and the weights' zero points.
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

// Pixels of a thread.
const TILE = 4u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.out_groups;
  let first = (index / geometry.out_groups) * TILE;
  if (first >= geometry.pixels) {
    return;
  }
  // a tile that reaches beyond the last pixel computes that one again, and does not write it
  let last = geometry.pixels - 1u;
  let rows = min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)) * geometry.in_groups;
  var products = Products();
  for (var k = 0u; k < geometry.in_groups; k++) {
    let x = vec4<u32>(input[rows.x + k], input[rows.y + k], input[rows.z + k], input[rows.w + k]);
    let w = weights[k * geometry.out_groups + group];
    add_products(&products, x ^ vec4<u32>(geometry.input_flip), w, HAS_WEIGHT_ZERO);
  }
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  let form = form_of(group);
  //#for $i in 0..TILE
  if (first + $i <= last) {
    emit((first + $i) * geometry.out_groups + group, form, products.sums[$i] + offset - weight_zero * products.x[$i]);
  }
  //#end
}
