// y[p, o] = emit(sum over k of (x[p, k] - zx) * (w[o, k] - zw)), the weights at hand while the pixels pass by.
// x: words of 4 channels, by `load`; w: [group of 4 outputs][word k, in the order of the group's lane][output] of 4 bytes;
// y: [pixel][group]. A lane has 4 outputs of each of GROUPS groups. f32: all sums are integers below 2^24 (at load).
// One product and one sum at a time: compilers that run out of registers then keep neither.

struct Geometry {
  in_height: u32,
  in_width: u32,
  in_groups: u32,
  out_height: u32,
  out_width: u32,
  out_groups: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  pixels: u32,
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
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let lane = lane_of(local_index);
  //#for g in 0..GROUPS
  let own_g = (workgroup_id.x * GROUPS + g) * 4u + lane;
  // lanes beyond the last group compute that one again, and do not write it
  let group_g = min(own_g, geometry.out_groups - 1u);
  let form_g = form_of(group_g);
  let start_g = corrections[group_g * 2u];
  let zero_points_g = corrections[group_g * 2u + 1u];
  //#for o in 0..4
  let zeros_g_o = weight_zeros(vec4<f32>(zero_points_g[o]));
  //#end
  var words_g: array<vec4<u32>, 4u * QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let at = (group_g * QUADS + q) * 4u;
    //#for s in 0..4
    words_g[q * 4u + s] = weights[at + s];
    //#end
  }
  //#for q in 0..QUADS
  //#for s in 0..4
  //#for o in 0..4
  let w_g_q_s_o = weight_lanes(words_g[q * 4u + s][o], zeros_g_o);
  //#end
  //#end
  //#end
  //#end
  //#for q in 0..QUADS
  let place_q = place_of(lane, q * 4u);
  //#end
  let first = workgroup_id.y * geometry.rows;
  let end = min(first + geometry.rows, geometry.pixels);
  var cursor = cursor_of(first, lane);
  for (var pixel = first; pixel < end; pixel++) {
    //#for q in 0..QUADS
    let own_word_q = load(cursor, place_q);
    //#end
    //#for g in 0..GROUPS
    //#for o in 0..4
    var sum_g_o = start_g[o];
    //#end
    //#end
    //#for q in 0..QUADS
    //#for s in 0..4
    let word_q_s = slot_s(own_word_q, cursor, lane, q * 4u, lane);
    //#for j in 0..4
    let x_q_s_j = byte_lane_j(word_q_s);
    //#for g in 0..GROUPS
    //#for o in 0..4
    sum_g_o += x_q_s_j * w_g_q_s_o[j];
    //#end
    //#end
    //#end
    //#end
    //#end
    // of several groups all are there (lanes.ts)
    if (own_0 < geometry.out_groups) {
      //#for g in 0..GROUPS
      emit_float(pixel * geometry.out_groups + group_g, form_g, vec4<f32>(sum_g_0, sum_g_1, sum_g_2, sum_g_3));
      //#end
    }
    cursor = next(cursor);
  }
}
