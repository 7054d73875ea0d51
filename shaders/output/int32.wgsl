// A kernel's int32 sums, without what the input's zero point adds: four words where the codes take one.
//#slot offset: offset/ for Offset, offset_of, offset_at

alias Form = Offset;

fn form_of(group: u32) -> Form {
  return offset_of(group);
}

fn emit(index: u32, form: Form, sums: Sums) {
  let whole = bitcast<vec4<u32>>(vec4<i32>(sums) - vec4<i32>(offset_at(index, form)));
  //#for $c in 0..4
  output[index * 4u + $c] = whole[$c];
  //#end
}
