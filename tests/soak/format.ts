import type { Random } from '../../models/random.ts';

/** A kind of file that is fuzzed: one file in formats/, one line in formats/index.ts. */
export interface FuzzedFormat {
  readonly name: string;
  /** Files that are whole; small ones, for each mutant is read. */
  corpus(): Promise<readonly Uint8Array[]>;
  /** A mutant that is still built as a file of this kind is. */
  mutate(file: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array;
  /** Reads the file, and goes as far with it as is cheap. */
  use(file: Uint8Array): unknown;
}

/** Limits of lengths, counts and types. */
export const LIMITS = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  127,
  128,
  255,
  256,
  65535,
  65536,
  1e6,
  2 ** 24,
  2 ** 27,
  1e9,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -1,
  -2,
  -8,
  -128,
];

export const limit = (random: Random): number => random.pick(LIMITS);

/** A copy of `bytes` with those from `from` to before `to` replaced. */
export function spliced(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(from + by.length + bytes.length - to);
  result.set(bytes.subarray(0, from));
  result.set(by, from);
  result.set(bytes.subarray(to), from + by.length);
  return result;
}

const MOST_CHANGES = 6;

/** Bytes changed, removed, repeated, put in from another file, or cut off, whatever they mean. */
export function mutateBytes(file: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let change = random.integer(1, MOST_CHANGES); change > 0 && bytes.length > 0; change--) {
    const at = random.integer(0, bytes.length - 1);
    const end = Math.min(bytes.length, at + random.integer(1, random.chance(0.9) ? 8 : 200));
    const kind = random.unit();
    if (kind < 0.4) bytes[at]! ^= 1 << random.integer(0, 7);
    else if (kind < 0.7) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)]);
    else if (kind < 0.8) bytes = Uint8Array.from(spliced(bytes, at, end, new Uint8Array(0)));
    else if (kind < 0.9) bytes = Uint8Array.from(spliced(bytes, at, at, bytes.slice(at, end)));
    else if (kind < 0.97) {
      const other = random.pick(others);
      const from = random.integer(0, other.length - 1);
      bytes = Uint8Array.from(spliced(bytes, at, end, other.slice(from, from + random.integer(1, 200))));
    } else bytes = bytes.slice(0, at);
  }
  return bytes;
}
