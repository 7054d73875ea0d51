// y[n, oy, ox, c] = emit(key of the float32 sum of value(x[.., c]) over the window), by the window's count of elements.
// x, y: NHWC, 4 channels a word; values: 256 float32, as bits. Sums are taken element by element along the rows, or of
// each column before the columns, each rounded as IEEE says, by integers; then a mean's requantization is one of the
// sum's key (as quantize_linear has it), one for each count.
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
  by_columns: u32,
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
  let by_columns = geometry.by_columns != 0u;
  let lines = select(geometry.window.kernel_height, geometry.window.kernel_width, by_columns);
  let line_length = select(geometry.window.kernel_width, geometry.window.kernel_height, by_columns);
  for (var line = 0u; line < lines; line++) {
    // of a column alone, or on from the rows before
    var sum = select(sums, vec4<u32>(), by_columns);
    for (var along = 0u; along < line_length; along++) {
      let at = input_pixel(pixel, select(line, along, by_columns), select(along, line, by_columns));
      if (at == OUTSIDE) {
        continue;
      }
      let codes = unpack_codes(input[at + group] ^ geometry.input_sign);
      count++;
      sum = add_each(sum, vec4<u32>(values[codes.x], values[codes.y], values[codes.z], values[codes.w]));
    }
    if (by_columns) {
      sums = add_each(sums, sum);
    } else {
      sums = sum;
    }
  }
  emit(index, form_of(stage_of_count[count]), float_keys(bitcast<vec4<i32>>(sums)));
}
