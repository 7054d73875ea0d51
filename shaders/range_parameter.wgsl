// What follows from a tensor's range: one value.
//#slot arithmetic: arithmetic/ for float_add, float_multiply, float_divide, float_sqrt, float_from_int
//#slot parameter: parameter/ for parameter_of

struct Geometry {
  // 0, which no compiler knows
  opaque: u32,
}

@group(0) @binding(0) var<storage, read> range: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(1)
fn main() {
  output[0] = parameter_of(range[0], range[1]);
}
