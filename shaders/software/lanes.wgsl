// y[p, o] = emit(sum over k of (x[p, k] - zx) * (w[o, k] - zw)), the weights at hand while the pixels pass by.
// x: words of 4 channels, by `load`; w: [group of 4 outputs][word k, in the order of the group's lane][output] of 4 bytes;
// y: [pixel][group]. A lane has 4 outputs of each of GROUPS groups. f32: all sums are integers below 2^24 (at load).
// One product and one sum at a time: compilers that run out of registers then keep neither.
//#count QUADS
//#count GROUPS
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
  // pixels of a workgroup
  rows: u32,
  input_flip: u32,
  padding: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32, INPUT_WORDS>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32, OUTPUT_WORDS>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(4)
fn main(thread: Thread) {
  let lane = thread.local;
  //#for $g in 0..GROUPS
  let own_$g = (thread.workgroup.x * GROUPS + $g) * 4u + lane;
  // lanes beyond the last group compute that one again, and do not write it
  let group_$g = min(own_$g, geometry.window.out_groups - 1u);
  let form_$g = form_of(group_$g);
  let start_$g = corrections[group_$g * 2u];
  let zero_points_$g = corrections[group_$g * 2u + 1u];
  //#for $o in 0..4
  let zeros_$g_$o = weight_zeros(vec4<f32>(zero_points_$g[$o]));
  //#end
  var words_$g: array<vec4<u32>, 4u * QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let at = (group_$g * QUADS + q) * 4u;
    //#for $s in 0..4
    words_$g[q * 4u + $s] = weights[at + $s];
    //#end
  }
  //#for $q in 0..QUADS, $s in 0..4, $o in 0..4
  let w_$g_$q_$s_$o = weight_lanes(words_$g[$q * 4u + $s][$o], zeros_$g_$o);
  //#end
  //#end
  //#for $q in 0..QUADS
  let place_$q = place_of(lane, $q * 4u);
  //#end
  let first = thread.workgroup.y * geometry.rows;
  let end = min(first + geometry.rows, geometry.window.pixels);
  var cursor = cursor_of(first, lane);
  for (var pixel = first; pixel < end; pixel++) {
    //#for $q in 0..QUADS
    let own_word_$q = load(cursor, place_$q);
    //#end
    //#for $g in 0..GROUPS, $o in 0..4
    var sum_$g_$o = start_$g[$o];
    //#end
    //#for $q in 0..QUADS, $s in 0..4
    let word_$q_$s = word_of_$s(own_word_$q, cursor, lane, $q * 4u, lane);
    //#for $j in 0..4
    let x_$q_$s_$j = byte_lane_$j(word_$q_$s);
    //#for $g in 0..GROUPS, $o in 0..4
    sum_$g_$o += x_$q_$s_$j * w_$g_$q_$s_$o[$j];
    //#end
    //#end
    //#end
    // of several groups all are there (lanes.ts)
    if (own_0 < geometry.window.out_groups) {
      //#for $g in 0..GROUPS
      emit(pixel * geometry.window.out_groups + group_$g, form_$g, vec4<f32>(sum_$g_0, sum_$g_1, sum_$g_2, sum_$g_3));
      //#end
    }
    cursor = next(cursor);
  }
  finish(thread);
}
