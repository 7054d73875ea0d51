import { InvalidInputError } from '../../src/errors.ts';

/** The element types that are read and written, by their name in an .npy header (little-endian). */
interface NpyArrays {
  '|u1': Uint8Array<ArrayBuffer>;
  '|i1': Int8Array<ArrayBuffer>;
  '<u2': Uint16Array<ArrayBuffer>;
  '<i2': Int16Array<ArrayBuffer>;
  '<u4': Uint32Array<ArrayBuffer>;
  '<i4': Int32Array<ArrayBuffer>;
  '<u8': BigUint64Array<ArrayBuffer>;
  '<i8': BigInt64Array<ArrayBuffer>;
  '<f4': Float32Array<ArrayBuffer>;
  '<f8': Float64Array<ArrayBuffer>;
}

export type NpyType = keyof NpyArrays;
type NpyData = NpyArrays[NpyType];

/** An array in C order; a scalar has shape []. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

const CLASSES: { [T in NpyType]: new (buffer: ArrayBuffer) => NpyArrays[T] } = {
  '|u1': Uint8Array,
  '|i1': Int8Array,
  '<u2': Uint16Array,
  '<i2': Int16Array,
  '<u4': Uint32Array,
  '<i4': Int32Array,
  '<u8': BigUint64Array,
  '<i8': BigInt64Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
};

const TYPES = Object.keys(CLASSES) as NpyType[];
/** Read as float32, which holds them all; not written. */
const FLOAT16 = '<f2';
const MAGIC = [0x93, ...new TextEncoder().encode('NUMPY')];
/** NumPy pads its header so that the data begins at a multiple of this. */
const ALIGNMENT = 64;
/** As NumPy's own limit. */
const MAX_HEADER_BYTES = 10_000;

/** `'<f4'` of an array's data. */
export function npyType(data: NpyData): NpyType {
  const type = TYPES.find((type) => data instanceof CLASSES[type]);
  if (!type) throw new InvalidInputError(`.npy cannot hold a ${(data as object).constructor.name}`);
  return type;
}

/**
 * Reads an .npy file (format 1, 2 or 3), C or Fortran order, of either byte order; the result is in C order, a copy, and
 * little-endian; float16 is float32 then.
 *
 * @throws InvalidInputError for anything that is not exactly one array of a supported type.
 */
export function readNpy(bytes: Uint8Array, name = '.npy file'): NpyArray {
  const { type, bigEndian, fortranOrder, shape, offset } = readHeader(bytes, name);
  const itemBytes = Number(type[2]);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const present = bytes.length - offset;
  if (count * itemBytes !== present)
    throw new InvalidInputError(
      `${name}: the header declares ${type} [${shape.join(', ')}], ${count * itemBytes} bytes, but ${present} are there`,
    );
  const own = new Uint8Array(bytes.subarray(offset));
  if (bigEndian) for (let at = 0; at < own.length; at += itemBytes) own.subarray(at, at + itemBytes).reverse();
  const data = type === FLOAT16 ? float16(new Uint16Array(own.buffer)) : new CLASSES[type](own.buffer);
  return { shape, data: fortranOrder ? toCOrder(data, shape) : data };
}

/** IEEE 754 of 16 bits: sign, 5 bits of exponent, 10 of fraction. */
function float16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(bits, (half) => {
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
}

/** The text of an .npy file that holds one string, which NumPy pads with zeros. */
export function readNpyText(bytes: Uint8Array, name = '.npy file'): string {
  const header = new TextDecoder('latin1').decode(bytes.subarray(0, MAX_HEADER_BYTES));
  const length = Number(/'descr': '<U(\d{1,4})'.*'shape': \(\)/.exec(header)?.[1]);
  const data = bytes.slice(bytes.length - 4 * length);
  if (!(data.length === 4 * length)) throw new InvalidInputError(`${name}: not an .npy file of one string`);
  return String.fromCodePoint(...new Uint32Array(data.buffer)).replace(/\0+$/, '');
}

/** Writes an .npy file of format 1.0, C order, as NumPy does. */
export function writeNpy({ shape, data }: NpyArray): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const header = `{'descr': '${npyType(data)}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const prefix = MAGIC.length + 4;
  const offset = Math.ceil((prefix + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(offset + data.byteLength);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(MAGIC.length + 2, offset - prefix, true);
  bytes.set(new TextEncoder().encode(header.padEnd(offset - prefix - 1) + '\n'), prefix);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
  return bytes;
}

interface Header {
  readonly type: NpyType | typeof FLOAT16;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly offset: number;
}

function readHeader(bytes: Uint8Array, name: string): Header {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new InvalidInputError(`${name}: not an .npy file`);
  const major = bytes[MAGIC.length] ?? 0;
  if (major < 1 || major > 3) throw new InvalidInputError(`${name}: .npy format ${major} is not known (1, 2, 3 are)`);
  const lengthBytes = major === 1 ? 2 : 4;
  const start = MAGIC.length + 2 + lengthBytes;
  if (bytes.length < start) throw new InvalidInputError(`${name}: truncated in the header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = lengthBytes === 2 ? view.getUint16(start - 2, true) : view.getUint32(start - 4, true);
  if (length > MAX_HEADER_BYTES)
    throw new InvalidInputError(`${name}: a header of ${length} bytes, ${MAX_HEADER_BYTES} at most are read`);
  const offset = start + length;
  if (bytes.length < offset) throw new InvalidInputError(`${name}: truncated in the header`);
  return { ...parseHeader(new TextDecoder().decode(bytes.subarray(start, offset)), name), offset };
}

/** The header is the text of a Python dict with exactly three keys. */
function parseHeader(text: string, name: string): Omit<Header, 'offset'> {
  const field = (key: string, value: string): string | undefined =>
    text.match(new RegExp(`['"]${key}['"]\\s*:\\s*${value}`))?.[1];
  const descr = field('descr', `['"]([^'"]*)['"]`);
  const order = field('fortran_order', '(True|False)');
  const tuple = field('shape', '\\(([0-9,\\sL]*)\\)');
  if (tuple === undefined || order === undefined || (descr === undefined && !field('descr', '(\\[)')))
    throw new InvalidInputError(`${name}: the header is not that of an array: ${text.trim().slice(0, 100)}`);
  const bigEndian = descr?.startsWith('>') === true;
  const known = [...TYPES, FLOAT16] as const;
  const type = known.find((type) => type === (bigEndian ? `<${descr!.slice(1)}` : descr));
  if (!type)
    throw new InvalidInputError(
      `${name}: elements of type ${descr ?? 'structured'} are not supported; ${known.join(', ')} are, of either byte order`,
    );
  const shape = tuple
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => parseInt(part, 10));
  return { type, bigEndian, fortranOrder: order === 'True', shape };
}

function toCOrder(data: NpyData, shape: readonly number[]): NpyData {
  const result = data.slice();
  const last = shape.length - 1;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, d) => product * d, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from]!;
    // The next index in C order: count up the last axis, carrying into those before it.
    for (let axis = last; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
