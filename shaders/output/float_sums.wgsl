// A kernel's result dequantized (a table of 256 values) and added to float32 values: one IEEE rounding, by integers.
// other: float32 bits like the output's, or one group of channels for every pixel; or bytes, with a table of their own.
//#import shared/codes
//#import shared/float32_add
//#slot form: requantize/ for form_of, requantize

override OTHER_BYTES: bool;
override OTHER_SIGN: u32;
// Groups of channels, where the other operand has one value a channel; 0 where it has one an element.
override OTHER_GROUPS: u32;

@group(1) @binding($) var<storage, read> values: array<u32>;
@group(1) @binding($) var<storage, read> other: array<u32>;
@group(1) @binding($) var<storage, read> other_values: array<u32>;

fn other_value(index: u32, lane: u32) -> u32 {
  if (OTHER_BYTES) {
    return other_values[((other[index] ^ OTHER_SIGN) >> (lane * 8u)) & 255u];
  }
  if (OTHER_GROUPS > 0u) {
    return other[(index % max(OTHER_GROUPS, 1u)) * 4u + lane];
  }
  return other[index * 4u + lane];
}

fn emit(index: u32, form: Form, sums: Sums) {
  let codes = unpack_codes(requantize(form, sums));
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = float32_add(values[codes[lane]], other_value(index, lane));
  }
}
