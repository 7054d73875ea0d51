// code = clamp((a * mA + b * mB + c) >> s) of two codes; proved at load over all 65,536 pairs, in int32.

@group(1) @binding($) var<storage, read> add_parameters: array<vec4<i32>>;

fn combine(a: vec4<i32>, b: vec4<i32>) -> vec4<u32> {
  let line = add_parameters[0];
  let limits = add_parameters[1];
  let sums = a * line.x + b * line.y + line.z;
  return vec4<u32>(clamp(sums >> vec4<u32>(u32(line.w)), vec4<i32>(limits.x), vec4<i32>(limits.y)));
}
