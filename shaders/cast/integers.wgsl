// The same by integers.
//#import shared/float32_multiply

fn cast_sums(sums: Sums, offset: Sums, opaque: u32) -> vec4<u32> {
  let whole = vec4<i32>(sums) - vec4<i32>(offset);
  return vec4<u32>(float32_of(whole.x), float32_of(whole.y), float32_of(whole.z), float32_of(whole.w));
}
