import type { Random } from '../../../models/random.ts';
import { limit } from '../format.ts';

/** Where the fields of a zip's records are: [offset from the signature, bytes]. */
const FIELDS: Readonly<Record<string, readonly (readonly [at: number, bytes: 2 | 4])[]>> = {
  // a file's header, its entry in the directory, the directory's end
  'PK\u0003\u0004': [[6, 2], [8, 2], [14, 4], [18, 4], [22, 4], [26, 2], [28, 2]], // prettier-ignore
  'PK\u0001\u0002': [[8, 2], [10, 2], [16, 4], [20, 4], [24, 4], [28, 2], [30, 2], [42, 4]], // prettier-ignore
  'PK\u0005\u0006': [[8, 2], [10, 2], [12, 4], [16, 4], [20, 2]], // prettier-ignore
};

/** A copy of a zip archive in which one field of one record is another. */
export function mutateZip(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(file);
  const text = Buffer.from(bytes.buffer).toString('latin1');
  const signature = random.pick(Object.keys(FIELDS));
  const records = [...text.matchAll(new RegExp(signature, 'g'))];
  if (records.length === 0) return bytes;
  const [at, length] = random.pick(FIELDS[signature]!);
  const where = random.pick(records).index + at;
  if (where + length > bytes.length) return bytes;
  const view = new DataView(bytes.buffer);
  const old = length === 2 ? view.getUint16(where, true) : view.getUint32(where, true);
  const value = random.chance(0.5) ? limit(random) : old + random.integer(-3, 3);
  if (length === 2) view.setUint16(where, value, true);
  else view.setUint32(where, value, true);
  return bytes;
}
