// Four vectors, each multiplied again and again by a 4 by 4 matrix of f32: dot products of four in registers.
// Rows and columns of the matrix sum to 1, so every vector tends to its mean: no value grows, vanishes or is subnormal.
// output: one word a thread, so that nothing is left out.

@group(0) @binding(0) var<storage, read_write> output: array<f32>;
override ROUNDS: u32;

const W0 = vec4<f32>(0.25, 0.125, 0.25, 0.375);
const W1 = vec4<f32>(0.125, 0.25, 0.375, 0.25);
const W2 = vec4<f32>(0.25, 0.375, 0.25, 0.125);
const W3 = vec4<f32>(0.375, 0.25, 0.125, 0.25);

fn step(x: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(dot(x, W0), dot(x, W1), dot(x, W2), dot(x, W3));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let start = f32(id.x % 7u) * 0.125;
  var a = vec4<f32>(start, 0.25, 0.5, 0.75);
  var b = vec4<f32>(0.25, start, 0.5, 0.75);
  var c = vec4<f32>(0.25, 0.5, start, 0.75);
  var d = vec4<f32>(0.25, 0.5, 0.75, start);
  for (var i = 0u; i < ROUNDS; i++) {
    a = step(a);
    b = step(b);
    c = step(c);
    d = step(d);
  }
  let sum = a + b + c + d;
  output[id.x] = sum.x + sum.y + sum.z + sum.w;
}
