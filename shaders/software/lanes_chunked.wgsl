// y[p, o] = emit(sum over k of (x[p, k] - zx) * (w[o, k] - zw)), the weights of a chunk of k at hand while the pixels
// pass by. x, w, y as in lanes.wgsl, w by chunks: [chunk][group][word of the chunk][output]. f32: the sums of 98 pixels,
// carried from chunk to chunk, are integers below 2^24 (proved at load).
//#count QUADS
//#count INPUT_WORDS
//#count OUTPUT_WORDS
//#import shared/threads
//#import shared/window
//#import software/shared/byte_lanes
//#slot source: software/input/ for Cursor, Place, place_of, cursor_of, next, load
//#slot words: software/words/ for word_of_0, word_of_1, word_of_2, word_of_3
//#slot zero: software/zero/ for padding
//#slot seen: software/seen/ for finish
//#slot output: output/ for form_of, emit

alias Sums = vec4<f32>;

struct Geometry {
  window: Window,
  // pixels of a workgroup, at most 98
  rows: u32,
  input_flip: u32,
  padding: u32,
  chunks: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32, INPUT_WORDS>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32, OUTPUT_WORDS>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(4)
fn main(thread: Thread) {
  let lane = thread.local;
  let own = thread.workgroup.x * 4u + lane;
  // lanes beyond the last group compute that one again, and do not write it
  let group = min(own, geometry.window.out_groups - 1u);
  let start = corrections[group * 2u];
  let first = thread.workgroup.y * geometry.rows;
  let rows = min(geometry.rows, geometry.window.pixels - first);
  var sums: array<vec4<f32>, 98>;
  for (var i = 0u; i < rows; i++) {
    sums[i] = start;
  }
  for (var chunk = 0u; chunk < geometry.chunks; chunk++) {
    // anew for each chunk: what lives on past the loop over pixels would have its registers there
    let zero_points = corrections[group * 2u + 1u];
    //#for $o in 0..4
    let zeros_$o = weight_zeros(vec4<f32>(zero_points[$o]));
    //#end
    let at_weights = (chunk * geometry.window.out_groups + group) * QUADS * 4u;
    let word = chunk * QUADS * 4u + lane;
    var words: array<vec4<u32>, 4u * QUADS>;
    for (var q = 0u; q < QUADS; q++) {
      //#for $s in 0..4
      words[q * 4u + $s] = weights[at_weights + q * 4u + $s];
      //#end
    }
    //#for $q in 0..QUADS
    let place_$q = place_of(word, $q * 4u);
    //#for $s in 0..4, $o in 0..4
    let w_$q_$s_$o = weight_lanes(words[$q * 4u + $s][$o], zeros_$o);
    //#end
    //#end
    var cursor = cursor_of(first, word);
    for (var i = 0u; i < rows; i++) {
      //#for $q in 0..QUADS
      let own_word_$q = load(cursor, place_$q);
      //#end
      let before = sums[i];
      //#for $o in 0..4
      var sum_$o = before[$o];
      //#end
      //#for $q in 0..QUADS, $s in 0..4
      let word_$q_$s = word_of_$s(own_word_$q, cursor, word, $q * 4u, lane);
      //#for $j in 0..4
      let x_$q_$s_$j = byte_lane_$j(word_$q_$s);
      //#for $o in 0..4
      sum_$o += x_$q_$s_$j * w_$q_$s_$o[$j];
      //#end
      //#end
      //#end
      sums[i] = vec4<f32>(sum_0, sum_1, sum_2, sum_3);
      cursor = next(cursor);
    }
  }
  if (own < geometry.window.out_groups) {
    let form = form_of(group);
    for (var i = 0u; i < rows; i++) {
      emit((first + i) * geometry.window.out_groups + group, form, sums[i]);
    }
  }
  finish(thread);
}
