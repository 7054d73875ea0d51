import { basename, extname } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { elementCount, type TensorInfo } from '../../src/graph/graph.ts';
import type { Arrays } from '../compare/match_trace.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { readNpy, type NpyArray } from '../numpy/npy.ts';
import { openNpz, type Npz } from '../numpy/npz.ts';
import { hexWords } from '../vectors/hex_words.ts';
import { readInput } from './files.ts';

/**
 * The arrays of FILE.npz, FILE.npz:name, FILE.npy; of a text of hexadecimal words (.hex, .mem, .txt); or of raw
 * little-endian elements (any other name).
 *
 * @param tensor what a file without a shape holds
 * @throws InvalidInputError
 */
export async function readArrays(specification: string, tensor?: TensorInfo): Promise<Arrays> {
  const [, path = specification, name] = /^(.+\.npz):(.+)$/i.exec(specification) ?? [];
  const bytes = await readInput(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.npz') return name === undefined ? openNpz(bytes) : oneOf(openNpz(bytes), name, path);
  const lone = basename(path, extname(path));
  const one = (array: NpyArray): Arrays => ({ names: [lone], read: () => array });
  if (extension === '.npy') return one(readNpy(bytes, path));
  if (['.hex', '.mem', '.txt'].includes(extension)) {
    const data = hexWords(new TextDecoder().decode(bytes), path, tensor && elementCount(tensor.shape));
    return one({ shape: [data.length], data });
  }
  if (!tensor) throw new InvalidInputError(`${path}: raw elements say neither what they are nor how many: say --layer`);
  const data = rawElements(bytes, tensor, path);
  return one({ shape: [data.length], data });
}

function oneOf(npz: Npz, name: string, path: string): Arrays {
  if (!npz.names.includes(name))
    throw new InvalidInputError(`${path}: no array '${name}'; nearest are ${nearestNames(name, npz.names)}`);
  return { ...npz, names: npz.names.filter((other) => other === name || other === `${name}:qparams`) };
}

/** No sum or code of a layer is as large; the bits of a float are. */
const LARGEST = 2 ** 27;

/** Elements in as many bytes as there are for each: integers, or floats where they are none. */
function rawElements(
  bytes: Uint8Array<ArrayBuffer>,
  { name, type, shape }: TensorInfo,
  path: string,
): NpyArray['data'] {
  const count = elementCount(shape);
  const own = bytes.slice().buffer;
  const isSmall = (values: Iterable<number | bigint>): boolean => {
    for (const v of values) if (!(Math.abs(Number(v)) < LARGEST)) return false;
    return true;
  };
  switch (bytes.length / count) {
    case 1:
      return type === 'int8' ? new Int8Array(own) : new Uint8Array(own);
    case 2:
      return new Int16Array(own);
    case 4: {
      const integers = new Int32Array(own);
      return isSmall(integers) ? integers : new Float32Array(own);
    }
    case 8: {
      const integers = new BigInt64Array(own);
      return isSmall(integers) ? integers : new Float64Array(own);
    }
    default:
      throw new InvalidInputError(
        `${path}: ${bytes.length} bytes, '${name}' has ${count} elements; supported: 1, 2, 4 or 8 bytes for each`,
      );
  }
}
