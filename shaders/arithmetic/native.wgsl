// The same by the device's own f32, of any values, not of integers below 2^24 alone: where it was found to be IEEE's, but
// for subnormals, which devices take for 0. An operation that has to do with small values is done by integers.
// An operand's bits pass an integer operation with a field of the kernel's that is 0, which no compiler knows, so that nothing is fused or
// put in another order, and no division by a constant becomes a product.
//#import shared/float32_lanes

// No sum, product or quotient of values between these is subnormal.
const SMALL = 0x21800000u; // 2^-60
const LARGE = 0x5d800000u; // 2^60

fn hidden(x: vec4<u32>) -> vec4<f32> {
  return bitcast<vec4<f32>>(x ^ vec4<u32>(geometry.opaque));
}

// Not of 0.
fn is_small(x: vec4<u32>) -> vec4<bool> {
  return (x & vec4<u32>(MAGNITUDE)) - vec4<u32>(1u) < vec4<u32>(SMALL - 1u);
}

// Lanes that are done by integers.
fn lanes_of(is_delicate: vec4<bool>) -> u32 {
  return select(0u, 4u, any(is_delicate));
}

fn float_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let y = bitcast<vec4<u32>>(hidden(a) + hidden(b));
  return add_lanes(y, a, b, lanes_of(is_small(a) | is_small(b)));
}

fn float_multiply(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let y = bitcast<vec4<u32>>(hidden(a) * hidden(b));
  return multiply_lanes(y, a, b, lanes_of(is_small(a) | is_small(b)));
}

fn float_divide(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let y = bitcast<vec4<u32>>(hidden(a) / hidden(b));
  let is_large = (b & vec4<u32>(MAGNITUDE)) > vec4<u32>(LARGE);
  return divide_lanes(y, a, b, lanes_of(is_small(a) | is_small(b) | is_large));
}

fn float_sqrt(a: vec4<u32>) -> vec4<u32> {
  return sqrt_lanes(bitcast<vec4<u32>>(sqrt(hidden(a))), a, lanes_of(is_small(a)));
}

fn float_from_int(a: vec4<i32>) -> vec4<u32> {
  return bitcast<vec4<u32>>(vec4<f32>(a));
}
