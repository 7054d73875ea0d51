import { existsSync } from 'node:fs';
import type { Random } from '../../../models/random.ts';
import { smallTflite } from '../../helpers/small_tflite.ts';
import { recordedOperators, TFLITE_OPERATORS } from '../../helpers/tflite_operators.ts';
import { limit, mutateBytes, type FuzzedFormat } from '../format.ts';
import { onnx } from './onnx.ts';

const MOST_BYTES = 3_000;

/** A few of each operator. */
function recorded(): Uint8Array[] {
  const small = recordedOperators().filter(({ bytes }) => bytes.length <= MOST_BYTES);
  return [...new Map(small.map(({ op, bytes }) => [op, bytes])).values()];
}

/** Offsets, counts and fields are whole words, and entries of vtables halves of them: some are others. */
function mutate(file: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  if (random.chance(0.1)) return mutateBytes(file, random, others);
  const bytes = Uint8Array.from(file);
  const view = new DataView(bytes.buffer);
  for (let change = random.integer(1, 4); change > 0; change--) {
    const at = 4 * random.integer(0, Math.floor(bytes.length / 4) - 1);
    const old = view.getUint32(at, true);
    const kind = random.unit();
    if (kind < 0.4) view.setUint32(at, limit(random), true);
    else if (kind < 0.6) view.setUint32(at, old + random.integer(-8, 8), true);
    else if (kind < 0.8)
      view.setUint16(at + 2 * random.integer(0, 1), random.pick([0, 4, 6, 8, random.integer(0, 64)]), true);
    // another word of the file: tables on tables
    else view.setUint32(at, view.getUint32(4 * random.integer(0, Math.floor(bytes.length / 4) - 1), true), true);
  }
  return bytes;
}

export const tflite: FuzzedFormat = {
  name: 'tflite',
  corpus: async () => [smallTflite('uint8'), smallTflite('int8'), ...(existsSync(TFLITE_OPERATORS) ? recorded() : [])],
  mutate,
  use: onnx.use,
};
