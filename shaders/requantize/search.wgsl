// code = number of boundaries 1 to 255 of the channel that are <= acc, by bisection. Right for any step function.
//#import shared/codes

@group(1) @binding($) var<storage, read> boundaries: array<i32>;
override FIRST_BOUNDARY: u32 = 0u;

struct Form {
  // of the group's boundaries
  first: u32,
}

fn form_of(group: u32) -> Form {
  return Form(FIRST_BOUNDARY + group * 1024u);
}

fn requantize(form: Form, sums: Sums) -> u32 {
  let accumulators = vec4<i32>(sums);
  var codes = vec4<u32>(0u);
  for (var lane = 0u; lane < 4u; lane++) {
    let base = form.first + lane * 256u;
    var code = 0u;
    for (var step = 128u; step > 0u; step >>= 1u) {
      code += select(0u, step, accumulators[lane] >= boundaries[base + code + step]);
    }
    codes[lane] = code;
  }
  return pack_codes(codes);
}
