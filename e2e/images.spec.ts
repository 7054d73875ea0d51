import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { requireChrome } from '../harness/chrome/install.ts';
import { openPage, type OpenPage } from '../harness/chrome/launch.ts';
import { servePage, type PageServer } from '../harness/chrome/server.ts';
import type { Picture } from '../harness/images/picture.ts';
import { preprocess } from '../harness/images/preprocess.ts';
import { openNpz } from '../harness/numpy/npz.ts';

const PHOTO = '../shared/photos/cat_720p.jpg';
const RECORDED = '../shared/goldens/pytorch_qnnpack_trace_cat_720p.npz';
const INPUT = { name: 'input', type: 'float32', shape: [1, 3, 224, 224] } as const;
/** A PNG of one red and one half-transparent blue pixel. */
const TRANSPARENT =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAEUlEQVR4nGP4z8Dwn4HhfwMAD3oDfgvLLrEAAAAASUVORK5CYII=';

let server: PageServer;
let browser: OpenPage;

test.beforeAll(async () => {
  server = await servePage('dist/lab');
  browser = await openPage(requireChrome(), `${server.origin}/harness/worker/index.html`);
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
