// Sixteen independent chains of f32 fused multiply-adds in registers: what an adapter multiplies at most in floats.
// Every chain tends to 1, so no value grows, vanishes or is subnormal.
// output: one word a thread, so that nothing is left out.

@group(0) @binding(0) var<storage, read_write> output: array<f32>;
override ROUNDS: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let start = f32(id.x % 7u) * 0.125;
  var a = vec4<f32>(start);
  var b = vec4<f32>(start + 0.25);
  var c = vec4<f32>(start + 0.5);
  var d = vec4<f32>(start + 0.75);
  let factor = vec4<f32>(0.5, 0.625, 0.75, 0.875);
  let rest = vec4<f32>(1.0) - factor;
  for (var i = 0u; i < ROUNDS; i++) {
    a = fma(a, factor, rest);
    b = fma(b, factor, rest);
    c = fma(c, factor, rest);
    d = fma(d, factor, rest);
    a = fma(a, factor, rest);
    b = fma(b, factor, rest);
    c = fma(c, factor, rest);
    d = fma(d, factor, rest);
  }
  let sum = a + b + c + d;
  output[id.x] = sum.x + sum.y + sum.z + sum.w;
}
