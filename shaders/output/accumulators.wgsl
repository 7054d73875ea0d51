// A kernel's result before requantization: int32, four words where the codes take one.

fn emit(index: u32, group: u32, accumulators: vec4<i32>) {
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = bitcast<u32>(accumulators[lane]);
  }
}
