// y[p, o] = emit(sum over k of (x[p, k] - zx) * (w[o, k] - zw)), the weights in registers while the pixels pass by.
// x: words of 4 channels, by `load`; w: [group of 4 outputs][word k][output] of 4 bytes; y: [pixel][group]. A lane has
// 4 outputs, and the four lanes of a workgroup share what they load. f32: all sums are integers below 2^24 (at load).

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

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> corrections: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local_index: u32) {
  let lane = lane_of(local_index);
  let own = workgroup_id.x * 4u + lane;
  // lanes beyond the last group compute that one again, and do not write it
  let group = min(own, geometry.out_groups - 1u);
  let form = form_of(group);
  let start = corrections[group * 2u];
  let zeros = corrections[group * 2u + 1u];
  let at_weights = group * QUADS * 16u;
  //#for q in 0..QUADS
  let place_q = place_of(q * 4u + lane);
  //#for l in 0..4
  //#for o in 0..4
  let w_q_l_o = weight_lanes(weights[at_weights + q * 16u + l * 4u + o], zeros[o]);
  //#end
  //#end
  //#end
  let first = workgroup_id.y * geometry.rows;
  let end = min(first + geometry.rows, geometry.pixels);
  var cursor = cursor_of(first);
  for (var pixel = first; pixel < end; pixel++) {
    //#for q in 0..QUADS
    let own_q = load(cursor, place_q);
    //#end
    //#for o in 0..4
    var sum_o = start[o];
    //#end
    //#for q in 0..QUADS
    //#for l in 0..4
    let x_q_l = byte_lanes(word_of_lane_l(own_q, cursor, q * 4u));
    //#for o in 0..4
    sum_o += dot(x_q_l, w_q_l_o);
    //#end
    //#end
    //#end
    if (own < geometry.out_groups) {
      emit_float(pixel * geometry.out_groups + group, form, vec4<f32>(sum_0, sum_1, sum_2, sum_3));
    }
    cursor = next(cursor);
  }
}
