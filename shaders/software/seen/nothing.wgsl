// Nobody asks for the range of what is written.
fn see(values: vec4<u32>) {
}

fn shown(is_inside: bool, sums: Sums, others: Sums) -> Sums {
  return sums;
}

fn finish(thread: Thread) {
}
