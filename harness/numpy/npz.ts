import { Inflate, zipSync } from 'fflate';
import { InvalidInputError } from '../../src/errors.ts';
import { crc32 } from './crc32.ts';
import { readNpy, readNpyText, writeNpy, type NpyArray } from './npy.ts';

/** The arrays of an .npz file; each is unpacked when it is read. */
export interface Npz {
  readonly names: readonly string[];
  /** @throws InvalidInputError where there is no such array, or its bytes are damaged. */
  read(name: string): NpyArray;
  /** The text of an array that is one string; undefined where there is no such array. */
  text(name: string): string | undefined;
}

interface NpzOptions {
  /** Refuse arrays that together unpack to more bytes than this. */
  readonly maxBytes?: number;
}

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localHeader: number;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
const ZIP64 = 0xffffffff;
const ENCRYPTED = 1;
/** Deflate cannot do better than this, so a larger declared ratio is a lie. */
const MAX_DEFLATE_RATIO = 1032;
/** Compressed bytes inflated at once: bounds what one step can produce to 16 MiB. */
const INFLATE_STEP = 1 << 14;

/**
 * Opens an .npz file (a zip of .npy files, stored or deflated).
 *
 * Nothing is unpacked before its declared size was found to be possible and within `maxBytes`, and no more
 * than the declared size is ever unpacked.
 *
 * @throws InvalidInputError where the bytes are not such a file.
 */
export function openNpz(bytes: Uint8Array, { maxBytes = 2 ** 30 }: NpzOptions = {}): Npz {
  const entries = readDirectory(bytes);
  let total = 0;
  for (const [name, entry] of entries) {
    const limit = entry.method === STORED ? entry.compressedBytes : entry.compressedBytes * MAX_DEFLATE_RATIO;
    if (entry.bytes > limit || (entry.method === STORED && entry.bytes !== limit))
      throw new InvalidInputError(
        `.npz file: ${name} declares ${entry.bytes} bytes, which ${entry.compressedBytes} stored bytes cannot hold`,
      );
    total += entry.bytes;
  }
  if (total > maxBytes)
    throw new InvalidInputError(`.npz file: its arrays unpack to ${total} bytes, more than the ${maxBytes} allowed`);
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name);
      if (!entry)
        throw new InvalidInputError(
          `.npz file: no array ${JSON.stringify(name)}; it has ${listed([...entries.keys()])}`,
        );
      return readNpy(unpack(bytes, name, entry), name);
    },
    text(name) {
      const entry = entries.get(name);
      return entry && readNpyText(unpack(bytes, name, entry), name);
    },
  };
}

/** Writes an .npz file, stored (as `numpy.savez` does), the same bytes for the same arrays. */
export function writeNpz(arrays: Iterable<readonly [name: string, array: NpyArray]>): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = Object.create(null);
  for (const [name, array] of arrays) files[`${name}.npy`] = writeNpy(array);
  return zipSync(files, { level: 0, mtime: '1980-01-01T00:00:00' });
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ') || 'none';
}

function readDirectory(bytes: Uint8Array): Map<string, Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEndOfDirectory(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries = new Map<string, Entry>();
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== DIRECTORY_ENTRY)
      throw new InvalidInputError('.npz file: the zip directory is damaged');
    const nameBytes = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes)).replace(/\.npy$/, '');
    const entry = {
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      compressedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      localHeader: view.getUint32(at + 42, true),
    };
    const refuse = (why: string): never => {
      throw new InvalidInputError(`.npz file: ${name} ${why}`);
    };
    if (entries.has(name)) refuse('is there twice');
    if (view.getUint16(at + 8, true) & ENCRYPTED) refuse('is encrypted');
    if (entry.method !== STORED && entry.method !== DEFLATED)
      refuse(`is packed by zip method ${entry.method}; stored and deflated are supported`);
    if ([entry.compressedBytes, entry.bytes, entry.localHeader].includes(ZIP64)) refuse('is larger than 4 GiB (zip64)');
    entries.set(name, entry);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** The record at the very end, behind it at most a comment of 65,535 bytes. */
function findEndOfDirectory(view: DataView): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--)
    if (view.getUint32(at, true) === END_OF_DIRECTORY && at + 22 + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  throw new InvalidInputError('not an .npz file, or truncated: no zip directory at its end');
}

function unpack(bytes: Uint8Array, name: string, entry: Entry): Uint8Array {
  const damaged = (why: string): never => {
    throw new InvalidInputError(`.npz file: ${name} is damaged: ${why}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = entry.localHeader;
  if (at + 30 > bytes.length || view.getUint32(at, true) !== LOCAL_HEADER) damaged('no file header');
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const packed = bytes.subarray(start, start + entry.compressedBytes);
  if (packed.length !== entry.compressedBytes) damaged('truncated');
  const result = entry.method === STORED ? packed : inflate(packed, entry.bytes, damaged);
  if (crc32(result) !== entry.crc) damaged('its checksum is wrong');
  return result;
}

function inflate(packed: Uint8Array, length: number, damaged: (why: string) => never): Uint8Array {
  const result = new Uint8Array(length);
  let filled = 0;
  const stream = new Inflate((chunk) => {
    if (filled + chunk.length > length) damaged(`it unpacks to more than the ${length} bytes it declares`);
    result.set(chunk, filled);
    filled += chunk.length;
  });
  for (let at = 0; at < packed.length; at += INFLATE_STEP) {
    const step = packed.subarray(at, at + INFLATE_STEP);
    try {
      stream.push(step, at + INFLATE_STEP >= packed.length);
    } catch (error) {
      if (error instanceof InvalidInputError) throw error;
      damaged((error as Error).message);
    }
  }
  if (filled !== length) damaged(`it unpacks to ${filled} bytes and declares ${length}`);
  return result;
}
