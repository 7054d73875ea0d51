// A kernel's sums less what the input's zero point adds, as float32: rounded once, whether they are int32 or float32, for
// those are integers up to 2^24. `opaque`: see moderate/native.
fn cast_sums(sums: Sums, offset: Sums, opaque: u32) -> vec4<u32> {
  return bitcast<vec4<u32>>(vec4<f32>(bitcast<Sums>(bitcast<vec4<u32>>(sums) ^ vec4<u32>(opaque)) - offset));
}
