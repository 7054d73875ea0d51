// What output/scaled has left as sums, as float32: a group of four of them, by integers.
//#import shared/float32_lanes
//#import shared/float32_compare
//#slot moderate: moderate/ for is_moderate, moderate_add
//#slot residual: residual/ for add_residual

@group(1) @binding($) var<storage, read> scaling: array<vec4<u32>>;
@group(1) @binding($) var<storage, read> input_scale: array<u32, 1>;

// Was it left so?
fn is_left() -> bool {
  return !is_moderate(input_scale[0]);
}

// Where a value is.
fn word_of(index: u32, lane: u32) -> u32 {
  return index * scaling[1].x + lane * scaling[1].y;
}

fn mend(index: u32, group: u32) {
  let head = scaling[0];
  let scale = float32_multiply(input_scale[0], head.x);
  var sums = vec4<u32>();
  //#for $c in 0..4
  sums[$c] = output[word_of(index, $c)];
  //#end
  let product = multiply_lanes(sums, sums, vec4<u32>(scale), 4u);
  let value = float_clip(add_lanes(product, product, scaling[3u + 2u * group], 4u), vec4<u32>(head.y), vec4<u32>(head.z));
  let y = add_residual(index, value, 0u, head.w);
  //#for $c in 0..4
  output[word_of(index, $c)] = y[$c];
  //#end
}
