// A sum of integers, an int32.

fn add_term(sum: u32, term: u32) -> u32 {
  return sum + term;
}
