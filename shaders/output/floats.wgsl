// A kernel's result dequantized: float32 bits, four words where the codes take one, from a table of 256 values.

@group(1) @binding(0) var<storage, read> values: array<u32>;

fn emit(index: u32, form: Form, accumulators: vec4<i32>) {
  let codes = unpack_codes(requantize(form, accumulators));
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = values[codes[lane]];
  }
}
