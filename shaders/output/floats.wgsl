// A kernel's result dequantized: float32 bits, four words where the codes take one, from a table of 256 values.
//#import shared/codes
//#slot form: requantize/ for form_of, requantize

@group(1) @binding($) var<storage, read> values: array<u32>;

fn emit(index: u32, form: Form, sums: Sums) {
  let codes = unpack_codes(requantize(form, sums));
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = values[codes[lane]];
  }
}
