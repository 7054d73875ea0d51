// What a device computes in float32, of pairs a and b whose rounded products, negated, are given: sums, products, quotients,
// roots of a, a's bits as an integer, the product and the given one, and a by a constant, one result behind the other.
//#import shared/threads
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int

struct Geometry {
  groups: u32,
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> products: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<u32>>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let index = thread_index(thread);
  let groups = geometry.groups;
  if (index >= groups) {
    return;
  }
  let x = a[index];
  let y = b[index];
  output[index] = float_add(x, y);
  output[index + groups] = float_multiply(x, y);
  output[index + 2u * groups] = float_divide(x, y);
  output[index + 3u * groups] = float_sqrt(x);
  output[index + 4u * groups] = float_from_int(bitcast<vec4<i32>>(x));
  output[index + 5u * groups] = float_add(float_multiply(x, y), products[index]);
  output[index + 6u * groups] = float_divide(x, vec4<u32>(0x437f0000u)); // 255
}
