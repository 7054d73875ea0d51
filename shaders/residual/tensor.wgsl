// Another float32 tensor of the same shape is added; by integers where any value is small. Not to what is left as it is.
//#import shared/float32_lanes

@group(1) @binding($) var<storage, read> scaling: array<vec4<u32>>;
@group(1) @binding($) var<storage, read> residual: array<u32>;

// Below 2^-60, and not 0: above, no sum is subnormal.
fn is_small(x: vec4<u32>) -> vec4<bool> {
  return (x & vec4<u32>(MAGNITUDE)) - vec4<u32>(1u) < vec4<u32>(0x21800000u - 1u);
}

fn add_residual(index: u32, y: vec4<u32>, is_left: u32, opaque: u32) -> vec4<u32> {
  let places = scaling[1];
  let at = index * places.z;
  let x = vec4<u32>(
    residual[at],
    residual[at + places.w],
    residual[at + 2u * places.w],
    residual[at + 3u * places.w]
  );
  let lanes = select(0u, 4u, any(is_small(x) | is_small(y)));
  return select(add_lanes(moderate_add(x, y, opaque), x, y, lanes), y, vec4<bool>(is_left != 0u));
}
