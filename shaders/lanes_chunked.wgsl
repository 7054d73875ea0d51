// y[p, o] = emit(sum over k of (x[p, k] - zx) * (w[o, k] - zw)), the weights of a chunk of k at hand while the pixels
// pass by. x, w, y as in lanes.wgsl, w by chunks: [chunk][group][word of the chunk][output]. f32: the sums of 98 pixels,
// carried from chunk to chunk, are integers below 2^24 (proved at load).

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
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let lane = lane_of(local_index);
  let own = workgroup_id.x * 4u + lane;
  // lanes beyond the last group compute that one again, and do not write it
  let group = min(own, geometry.out_groups - 1u);
  let start = corrections[group * 2u];
  let first = workgroup_id.y * geometry.rows;
  let rows = min(geometry.rows, geometry.pixels - first);
  var sums: array<vec4<f32>, 98>;
  for (var i = 0u; i < rows; i++) {
    sums[i] = start;
  }
  for (var chunk = 0u; chunk < geometry.chunks; chunk++) {
    // anew for each chunk: what lives on past the loop over pixels would have its registers there
    let zero_points = corrections[group * 2u + 1u];
    //#for o in 0..4
    let zeros_o = weight_zeros(vec4<f32>(zero_points[o]));
    //#end
    let at_weights = (chunk * geometry.out_groups + group) * QUADS * 4u;
    let word = chunk * QUADS * 4u + lane;
    var words: array<vec4<u32>, 4u * QUADS>;
    for (var q = 0u; q < QUADS; q++) {
      //#for s in 0..4
      words[q * 4u + s] = weights[at_weights + q * 4u + s];
      //#end
    }
    //#for q in 0..QUADS
    let place_q = place_of(word, q * 4u);
    //#for s in 0..4
    //#for o in 0..4
    let w_q_s_o = weight_lanes(words[q * 4u + s][o], zeros_o);
    //#end
    //#end
    //#end
    var cursor = cursor_of(first, word);
    for (var i = 0u; i < rows; i++) {
      //#for q in 0..QUADS
      let own_word_q = load(cursor, place_q);
      //#end
      let before = sums[i];
      //#for o in 0..4
      var sum_o = before[o];
      //#end
      //#for q in 0..QUADS
      //#for s in 0..4
      let word_q_s = slot_s(own_word_q, cursor, word, q * 4u, lane);
      //#for j in 0..4
      let x_q_s_j = byte_lane_j(word_q_s);
      //#for o in 0..4
      sum_o += x_q_s_j * w_q_s_o[j];
      //#end
      //#end
      //#end
      //#end
      sums[i] = vec4<f32>(sum_0, sum_1, sum_2, sum_3);
      cursor = next(cursor);
    }
  }
  if (own < geometry.out_groups) {
    let form = form_of(group);
    for (var i = 0u; i < rows; i++) {
      emit_float((first + i) * geometry.out_groups + group, form, sums[i]);
    }
  }
}
