// y[n, oy, ox, c] = emit(key of the float32 sum of value(x[.., c]) over the window), by the window's count of elements.
// x, y: NHWC, 4 channels a word; values: 256 float32, as bits. Sums are taken element by element along lines, then of
// the lines, each rounded as IEEE says, by integers; then a mean's requantization is one of the sum's key (as quantize_linear
// has it), one for each count.
//#import shared/threads
//#import shared/codes
//#import shared/window
//#import shared/float32_add
//#import shared/float_keys
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  window: Window,
  input_sign: u32,
  // the order of the sum: see SumOrder
  lines: u32,
  line_length: u32,
  line_step: u32,
  step: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read> values: array<u32>;
// Which requantization a window uses, by how many elements of the input lie in it.
@group(0) @binding(2) var<storage, read> stage_of_count: array<u32>;
@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

fn add_each(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(float32_add(a.x, b.x), float32_add(a.y, b.y), float32_add(a.z, b.z), float32_add(a.w, b.w));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let group = index % geometry.window.out_groups;
  if (index / geometry.window.out_groups >= geometry.window.pixels) {
    return;
  }
  let pixel = output_pixel(index / geometry.window.out_groups);
  var sums = vec4<u32>();
  var count = 0u;
  let elements = geometry.window.kernel_height * geometry.window.kernel_width;
  for (var line = 0u; line < geometry.lines; line++) {
    var sum = vec4<u32>();
    for (var along = 0u; along < geometry.line_length; along++) {
      let element = line * geometry.line_step + along * geometry.step;
      let at = input_pixel(pixel, element / geometry.window.kernel_width, element % geometry.window.kernel_width);
      if (element >= elements || at == OUTSIDE) {
        continue;
      }
      let codes = unpack_codes(input[at + group] ^ geometry.input_sign);
      count++;
      sum = add_each(sum, vec4<u32>(values[codes.x], values[codes.y], values[codes.z], values[codes.w]));
    }
    sums = add_each(sums, sum);
  }
  emit(index, form_of(stage_of_count[count]), float_keys(bitcast<vec4<i32>>(sums)));
}
