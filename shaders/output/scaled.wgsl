// A kernel's int32 sums as a dynamically quantized model goes on with them, in float32, a rounding each:
// clip(sums * (input's scale * weights' scale) + bias), and what is added. Where the input's scale, a tensor, is not moderate the
// sums are left as they are, as float32: mend/scaled does the rest then.
// scaling: the weights' scale, what is clipped to, and 0, which no compiler knows; words from a group to the next, and from
// one of its channels to the next, of the output, and of what is added; the words in front of the ranges that seen/range
// leaves; then [group of 4 channels] of biases and of the sums of weights.
//#slot offset: offset/ for Offset, offset_of, offset_at
//#slot cast: cast/ for cast_sums
//#slot moderate: moderate/ for is_moderate, moderate_multiply, moderate_add, moderate_clip
//#slot residual: residual/ for add_residual
//#slot seen: software/seen/ for see

@group(1) @binding($) var<storage, read> scaling: array<vec4<u32>>;
@group(1) @binding($) var<storage, read> input_scale: array<u32, 1>;

const ONE = 0x3f800000u;
const INFINITY = 0x7f800000u;
const MINUS_ZERO = 0x80000000u;

struct Form {
  offset: Offset,
  scale: vec4<u32>,
  bias: vec4<u32>,
  least: u32,
  most: u32,
  is_left: u32,
  opaque: u32,
  step: u32,
  plane: u32,
}

fn form_of(group: u32) -> Form {
  let head = scaling[0];
  let places = scaling[1];
  let trusted = is_moderate(input_scale[0]);
  let scale = moderate_multiply(vec4<u32>(input_scale[0]), vec4<u32>(head.x), head.w);
  return Form(
    offset_of(group),
    // what changes nothing
    select(vec4<u32>(ONE), scale, trusted),
    select(vec4<u32>(MINUS_ZERO), scaling[3u + 2u * group], trusted),
    select(MINUS_ZERO | INFINITY, head.y, trusted),
    select(INFINITY, head.z, trusted),
    u32(!trusted),
    head.w,
    places.x,
    places.y
  );
}

fn emit(index: u32, form: Form, sums: Sums) {
  let float = cast_sums(sums, offset_at(index, form.offset), form.opaque);
  let product = moderate_multiply(float, form.scale, form.opaque);
  let value = moderate_clip(moderate_add(product, form.bias, form.opaque), form.least, form.most);
  let y = add_residual(index, value, form.is_left, form.opaque);
  let at = index * form.step;
  output[at] = y.x;
  output[at + form.plane] = y.y;
  output[at + 2u * form.plane] = y.z;
  output[at + 3u * form.plane] = y.w;
  see(y);
}
