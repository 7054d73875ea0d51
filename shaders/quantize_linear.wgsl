// y = emit(key of x): float32 bits become int32 keys in the order of the floats, and a quantize is a
// requantization of keys. x: 4 channels a vec4 of bits; y: 4 channels a word. No floating-point arithmetic.
// With a tail: one form for the words before it, one for those in it, one for the word in which it begins.
//#import shared/threads
//#import shared/float_keys
//#slot output: output/ for form_of, emit

alias Sums = vec4<i32>;

struct Geometry {
  groups: u32,
  tail_word: u32,
  // of a float that becomes 0
  nan_key: i32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

override HAS_TAIL: bool;

// NaN becomes 0.
fn keys_of(bits: vec4<i32>) -> vec4<i32> {
  let is_nan = (bits & vec4<i32>(0x7fffffff)) > vec4<i32>(0x7f800000);
  return select(float_keys(bits), vec4<i32>(geometry.nan_key), is_nan);
}

// Words of a thread.
const WORDS = 2u;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(thread: Thread) {
  let first = thread_index(thread) * WORDS;
  if (first >= geometry.groups) {
    return;
  }
  let form = form_of(0u);
  // beyond the last word, that one again
  //#for $w in 0..WORDS
  let index_$w = min(first + $w, geometry.groups - 1u);
  let keys_$w = keys_of(input[index_$w]);
  //#end
  //#for $w in 0..WORDS
  if (HAS_TAIL && index_$w >= geometry.tail_word) {
    emit(index_$w, form_of(select(1u, 2u, index_$w == geometry.tail_word)), keys_$w);
  } else {
    emit(index_$w, form, keys_$w);
  }
  //#end
}
