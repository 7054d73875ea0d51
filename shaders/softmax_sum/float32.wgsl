// A sum of float32 values, as bits, each addition rounded as IEEE says, by integers.
//#import shared/float32_add

fn add_term(sum: u32, term: u32) -> u32 {
  return float32_add(sum, term);
}
