import { readFile } from 'node:fs/promises';
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import { InvalidInputError } from '../../src/errors.ts';
import { packageFile } from '../process/package_file.ts';
import { crc32 } from '../numpy/crc32.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { checkSize, declaredSize, isJpeg, isPng, jpegFrame } from '../../src/pictures/size.ts';

/** What is decoded here to the bits that Chrome gives, by measurement (e2e/images.spec.ts); nothing else is decoded. */
const SUPPORTED = 'without a browser: PNG, and JPEG but for CMYK and chroma that is subsampled vertically only';
const ADVICE = 'take --webgpu chrome, or give the tensor with --input FILE.npz';

/**
 * Decodes a JPEG or PNG file in Node, to the bits that the browser's decoders give: libjpeg(-turbo)'s own arithmetic in
 * WebAssembly, upright, without colour conversion.
 *
 * @throws InvalidInputError where it is damaged, too large, has transparent pixels, or is of a kind that is not known to be equal.
 */
export async function decodeFile(file: Uint8Array): Promise<Picture> {
  const jpeg = isJpeg(file);
  if (!jpeg && !isPng(file)) throw new InvalidInputError(`not a picture that can be decoded ${SUPPORTED}; ${ADVICE}`);
  checkSize(declaredSize(file) ?? { width: 0, height: 0 });
  const { width, height, data } = jpeg ? await readJpeg(file) : await readPng(file);
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    if (data[from + 3] !== 255)
      throw new InvalidInputError('the picture has transparent pixels; save it without transparency');
    rgb[to++] = data[from]!;
    rgb[to++] = data[from + 1]!;
    rgb[to++] = data[from + 2]!;
  }
  return { width, height, data: rgb };
}

const damaged = (why: string): InvalidInputError =>
  new InvalidInputError(`the picture is truncated or damaged: ${why}`);

async function wasm(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(packageFile(path)));
}

/** What libjpeg complains of; it decodes on, to something that is not the picture. */
const complaints: string[] = [];
let jpegReady: Promise<void> | undefined;
let pngReady: Promise<unknown> | undefined;

async function readJpeg(file: Uint8Array): Promise<ImageData> {
  refuseUnmeasured(file);
  installImageData();
  jpegReady ??= wasm('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm').then((wasmBinary) => initJpeg(emscripten(wasmBinary)));
  await jpegReady;
  complaints.length = 0;
  const decoded = await decodeJpeg(bufferOf(file), { preserveOrientation: true }).catch(() => undefined);
  if (!decoded || complaints.length > 0) throw damaged(complaints.join('; ') || 'it cannot be decoded');
  return decoded;
}

/** Options of Emscripten's that the package's types leave out. */
const emscripten = (wasmBinary: Uint8Array): object => ({
  wasmBinary,
  printErr: (message: string) => complaints.push(message),
});

/** Chroma sampling, as [horizontal, vertical] of the first component where all others are 1x1. */
const MEASURED_SAMPLING = ['1x1', '2x1', '2x2', '4x1', '4x2'];

/** The decoder and Chrome's differ in 4:4:0 (9 % of the values) and in CMYK. */
function refuseUnmeasured(file: Uint8Array): void {
  const components = jpegFrame(file)?.factors;
  if (!components) throw damaged('it has no frame header');
  const sampling = components.map((factors) => `${factors >> 4}x${factors & 15}`);
  const measured =
    components.length === 1 ||
    (components.length === 3 &&
      MEASURED_SAMPLING.includes(sampling[0]!) &&
      sampling.slice(1).every((factors) => factors === '1x1'));
  if (!measured)
    throw new InvalidInputError(
      `a JPEG of ${components.length} components sampled ${sampling.join(', ')}; supported ${SUPPORTED}; ${ADVICE}`,
    );
}

async function readPng(file: Uint8Array): Promise<ImageData> {
  checkChunks(file);
  checkDeclaredSize(file);
  installImageData();
  pngReady ??= wasm('@jsquash/png/codec/pkg/squoosh_png_bg.wasm').then((bytes) => initPng(bytes));
  await pngReady;
  return decodePng(bufferOf(file)).catch(() => {
    throw damaged('it cannot be decoded');
  });
}

/** Every chunk's CRC: browsers refuse a picture in which one is wrong, this decoder does not. */
function checkChunks(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 8; ;) {
    if (at + 12 > file.length) throw damaged('it ends inside a chunk');
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > file.length) throw damaged('it ends inside a chunk');
    if (crc32(file.subarray(at + 4, end)) !== view.getUint32(end)) throw damaged(`a wrong checksum at byte ${end}`);
    if (view.getUint32(at + 4) === IEND) return;
    at = end + 4;
  }
}

const IEND = 0x49454e44;

/** Deflate cannot do better than this: a header that declares more is a lie, for which memory would be taken. */
const MAX_DEFLATE_RATIO = 1032;

function checkDeclaredSize(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), file[24]!];
  // of every colour type at least
  const bytes = height * Math.ceil((width * depth) / 8);
  if (bytes > file.length * MAX_DEFLATE_RATIO)
    throw damaged(`it declares ${width} by ${height} pixels, which ${file.length} bytes cannot hold`);
}

/** A buffer of its own: the file may be part of a larger one. */
const bufferOf = (file: Uint8Array): ArrayBuffer => new Uint8Array(file).buffer;

/** The decoders give what browsers have and Node does not. */
function installImageData(): void {
  globalThis.ImageData ??= class {
    readonly data: Uint8ClampedArray;
    readonly width: number;
    readonly height: number;

    constructor(data: Uint8ClampedArray, width: number, height: number) {
      this.data = data;
      this.width = width;
      this.height = height;
    }
  } as unknown as typeof ImageData;
}
