// Float32 values that a function has of its own.

@group(1) @binding($) var<storage, read> constants: array<u32>;

fn constant(index: u32) -> vec4<u32> {
  return vec4<u32>(constants[index]);
}
