// y[n, oy, ox, o] = emit(sum over ky, kx, c of (x - zx) * (w - zw)), padded with zx; groups of whole words.
// x: NHWC, 4 channels a word; w: [ky][kx][word of the group's channels][group of 4 outputs] of 4 words; y: NHWC.
// corrections: [group of 4 outputs] of an offset and the weights' zero points.
//#import shared/threads
//#import shared/window
//#import shared/dot_products
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  in_group_words: u32,
  out_group_words: u32,
  input_flip: u32,
  padding: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override HAS_WEIGHT_ZERO: bool;

// Pixels of a thread.
const TILE = 4u;

fn load(first_word: u32, word: u32) -> u32 {
  if (first_word == OUTSIDE) {
    return geometry.padding;
  }
  return input[first_word + word] ^ geometry.input_flip;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let out_groups = geometry.window.out_groups;
  let group = index % out_groups;
  let first = (index / out_groups) * TILE;
  if (first >= geometry.window.pixels) {
    return;
  }
  // a tile that reaches beyond the last pixel computes that one again, and does not write it
  let last = geometry.window.pixels - 1u;
  //#for $i in 0..TILE
  let pixel_$i = output_pixel(min(first + $i, last));
  //#end
  let first_channel_word = (group / geometry.out_group_words) * geometry.in_group_words;
  var products = Products();
  var at_weight = group;
  for (var ky = 0u; ky < geometry.window.kernel_height; ky++) {
    for (var kx = 0u; kx < geometry.window.kernel_width; kx++) {
      //#for $i in 0..TILE
      let at_$i = input_pixel(pixel_$i, ky, kx);
      //#end
      for (var k = 0u; k < geometry.in_group_words; k++) {
        let word = first_channel_word + k;
        let x = vec4<u32>(load(at_0, word), load(at_1, word), load(at_2, word), load(at_3, word));
        add_products(&products, x, weights[at_weight], HAS_WEIGHT_ZERO);
        at_weight += out_groups;
      }
    }
  }
  let offset = corrections[group * 2u];
  let weight_zero = corrections[group * 2u + 1u];
  let form = form_of(group);
  //#for $i in 0..TILE
  if (first + $i <= last) {
    emit((first + $i) * out_groups + group, form, products.sums[$i] + offset - weight_zero * products.x[$i]);
  }
  //#end
}
