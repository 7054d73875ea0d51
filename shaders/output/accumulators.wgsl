// A kernel's result before requantization: int32, four words where the codes take one.

alias Form = u32;

fn form_of(group: u32) -> Form {
  return group;
}

fn emit(index: u32, form: Form, sums: Sums) {
  let whole = vec4<i32>(sums);
  for (var lane = 0u; lane < 4u; lane++) {
    output[index * 4u + lane] = bitcast<u32>(whole[lane]);
  }
}
