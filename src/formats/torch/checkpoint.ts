import { strFromU8, unzipSync, type UnzipFileInfo } from 'fflate';
import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { describe, unpickle, type PickleValue } from './pickle.ts';
import { isLegacy } from './signature.ts';
import { loadStorage, TORCH_GLOBALS, type TorchStorage } from './tensors.ts';

/** What torch.save was given, and where the bytes of its storages are. */
export interface Checkpoint {
  readonly root: PickleValue;
  /** @throws InvalidModelError where they are not there, or not as many as the storage says */
  bytesOf(storage: TorchStorage): Uint8Array;
}

const LEGACY_VERSION = 1001;

/** @throws InvalidModelError where the file is damaged or its pickle asks for anything but tensors */
export function readCheckpoint(file: Archive | Uint8Array): Checkpoint {
  if (file instanceof Uint8Array) return readLegacy(file);
  const { value: root } = unpickle(file.entry('data.pkl'), 0, { globals: TORCH_GLOBALS, persistentLoad: loadStorage });
  return { root, bytesOf: (storage) => file.storage('data', storage) };
}

/** A zip archive's entries, by their path in its one folder. */
export class Archive {
  readonly #entries: ReadonlyMap<string, Uint8Array>;
  readonly #folder: string;

  constructor(entries: ReadonlyMap<string, Uint8Array>, folder: string) {
    this.#entries = entries;
    this.#folder = folder;
  }

  find(path: string): Uint8Array | undefined {
    return this.#entries.get(`${this.#folder}${path}`);
  }

  entry(path: string): Uint8Array {
    const found = this.find(path);
    if (!found) throw new InvalidModelError(`a zip archive without ${describe(path)}`);
    return found;
  }

  /** The bytes of a storage, which are in `<part>/<key>`. */
  storage(part: string, storage: TorchStorage): Uint8Array {
    return checked(storage, this.find(`${part}/${storage.key}`));
  }
}

/** The archive that a file is; undefined of the legacy format. */
export function openArchive(bytes: Uint8Array): Archive | undefined {
  if (isLegacy(bytes)) return undefined;
  const entries = unzip(bytes);
  const pickle = [...entries.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  if (pickle === undefined) throw new InvalidModelError('a zip archive without a data.pkl');
  const folder = pickle.slice(0, -'data.pkl'.length);
  const byteOrder = entries.get(`${folder}byteorder`);
  if (byteOrder && strFromU8(byteOrder) !== 'little')
    throw new UnsupportedModelError('a file saved on a big-endian machine; supported: little-endian');
  return new Archive(entries, folder);
}

/** Of code, which torch.jit.save compresses: all of it, expanded. */
const MAX_CODE_BYTES = 1 << 24;

function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  const names = new Set<string>();
  let [total, code] = [0, 0];
  // entries that overlap, or that are compressed, could be far larger than the file
  const check = ({ name, compression, originalSize }: UnzipFileInfo): boolean => {
    if (name.endsWith('.debug_pkl')) return false;
    const isCode = /\/code\/.*\.py$/.test(name);
    if (isCode) code += originalSize;
    else total += originalSize;
    if (code > MAX_CODE_BYTES)
      throw new UnsupportedModelError(`${code} bytes of code in zip entries; supported: up to ${MAX_CODE_BYTES}`);
    if (compression !== 0 && !isCode)
      throw new InvalidModelError(
        `zip entry ${describe(name)} is compressed; torch.save stores its entries uncompressed`,
      );
    if (names.has(name) || total > bytes.length)
      throw new InvalidModelError(
        `zip entry ${describe(name)} (${originalSize} bytes) is there twice or overlaps others`,
      );
    names.add(name);
    return true;
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter: check })));
  } catch (error) {
    if (error instanceof InvalidModelError) throw error;
    throw new InvalidModelError(`a zip archive that is truncated or damaged: ${(error as Error).message}`);
  }
}

/** Five pickles (magic, version, system, the object, storage keys), then each storage: an int64 count and its elements. */
function readLegacy(bytes: Uint8Array): Checkpoint {
  const storages = new Map<string, TorchStorage>();
  let position = 0;
  const next = (persistentLoad: (id: PickleValue) => PickleValue): PickleValue => {
    const { value, end } = unpickle(bytes, position, { globals: TORCH_GLOBALS, persistentLoad });
    position = end;
    return value;
  };
  const plain = (): PickleValue =>
    next(() => {
      throw new InvalidModelError('a storage outside the saved object');
    });
  plain(); // the magic number
  const version = plain();
  if (version !== LEGACY_VERSION)
    throw new UnsupportedModelError(`legacy format ${describe(version)}; supported: ${LEGACY_VERSION}`);
  const system = plain();
  if (!(system instanceof Map) || system.get('little_endian') !== true)
    throw new UnsupportedModelError('a file saved on a big-endian machine; supported: little-endian');
  const root = next((id) => {
    const storage = loadStorage(id);
    const known = storages.get(storage.key);
    if (known && (known.typeName !== storage.typeName || known.elements !== storage.elements))
      throw new InvalidModelError(`storage '${storage.key}' is both ${known.describe()} and ${storage.describe()}`);
    storages.set(storage.key, storage);
    return storage;
  });
  const keys = plain();
  if (!Array.isArray(keys)) throw new InvalidModelError(`the storage keys are ${describe(keys)}; expected a list`);

  const data = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage) throw new InvalidModelError(`the storage ${describe(key)} is not of any tensor`);
    const start = position + 8;
    const end = start + storage.byteLength;
    if (end > bytes.length)
      throw new InvalidModelError(`storage '${storage.key}' ends at byte ${end}, the file at ${bytes.length}`);
    const elements = view.getBigInt64(position, true);
    if (elements !== BigInt(storage.elements))
      throw new InvalidModelError(`storage '${storage.key}' holds ${elements} elements, not ${storage.elements}`);
    data.set(storage.key, bytes.subarray(start, end));
    position = end;
  }
  return { root, bytesOf: (storage) => checked(storage, data.get(storage.key)) };
}

function checked(storage: TorchStorage, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes?.length !== storage.byteLength)
    throw new InvalidModelError(
      `storage '${storage.key}', ${storage.describe()}: ${storage.byteLength} bytes expected, ` +
        (bytes ? `${bytes.length} are there` : 'it is missing'),
    );
  return bytes;
}
