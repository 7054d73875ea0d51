import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { Exact8Error } from '../errors.ts';
import { readModel } from './index.ts';
import type { Graph } from '../graph/graph.ts';
import { createPlan } from '../plan/plan.ts';
import { smallQdqModel, smallQOperatorModel } from '../../tests/helpers/small_onnx.ts';
import { tinyMobileNetV2, TorchFile } from '../../tests/helpers/torch_file.ts';

/** Bytes that are limits of lengths, tags and opcodes. */
const LIMITS = [0, 1, 0x7f, 0x80, 0xff];
const MOST_CHANGES = 4;
/** Far more than these files take, far less than a length that is believed would. */
const MEMORY_KB = 512 * 1024;

/** A copy with some bytes changed, some removed or repeated, or its end cut off. */
function damage(file: Uint8Array, seed: number): Uint8Array {
  const random = new Random(seed);
  const at = (): number => random.integer(0, file.length - 1);
  let bytes = Uint8Array.from(file);
  for (let change = random.integer(1, MOST_CHANGES); change > 0; change--) {
    const where = at();
    bytes[where] = random.chance(0.5) ? bytes[where]! ^ (1 << random.integer(0, 7)) : random.pick(LIMITS);
  }
  if (random.chance(0.1)) {
    const [from, length] = [at(), random.integer(1, 16)];
    const rest = bytes.subarray(random.chance(0.5) ? from + length : Math.max(0, from - length));
    bytes = Uint8Array.from([...bytes.subarray(0, from), ...rest]);
  }
  return random.chance(0.1) ? bytes.subarray(0, random.integer(0, bytes.length)) : bytes;
}

/** Damages the file in `count` ways: each is read, or refused by an error that exact8 throws on purpose. */
function expectRefusals(file: Uint8Array, count: number, use: (graph: Graph) => unknown): void {
  const before = process.resourceUsage().maxRSS;
  let read = 0;
  for (let seed = 0; seed < count; seed++)
    try {
      use(readModel(damage(file, seed)));
      read++;
    } catch (error) {
      if (!(error instanceof Exact8Error) || error.constructor === Exact8Error)
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      expect(error.message.length, `seed ${seed}`).toBeLessThan(2_000);
    }
  // the damage is of both kinds: some that shows, some that does not
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(count);
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(MEMORY_KB);
}

describe('damaged models are read or refused, never more', { timeout: 60_000 }, () => {
  it.each([
    ['QOperator ONNX', smallQOperatorModel],
    ['Q/DQ ONNX', smallQdqModel],
  ])('%s: read and planned', (_, make) => {
    createPlan(readModel(make()));
    expectRefusals(make(), 250, createPlan);
  });

  it.each([
    ['.pth', () => tinyMobileNetV2(new TorchFile())],
    ['.pth per channel', () => tinyMobileNetV2(new TorchFile(), { perChannel: true })],
    ['.pth in the legacy format', () => tinyMobileNetV2(new TorchFile(true))],
  ])('%s', (_, make) => {
    readModel(make());
    expectRefusals(make(), 300, (graph) => graph);
  });

  const REAL = '../shared/models/imagenet_mobilenetv1_025_128_u8.qlinear.onnx';
  it.skipIf(!existsSync(REAL))('a real one (needs ../shared)', () => {
    expectRefusals(readFileSync(REAL), 40, (graph) => graph);
  });
});

describe('files that are no models', () => {
  const bytes = (...values: (number | string)[]): Uint8Array =>
    Uint8Array.from(values.flatMap((value) => (typeof value === 'string' ? [...Buffer.from(value)] : [value])));
  it.each([
    ['a JPEG picture', bytes(0xff, 0xd8, 0xff, 0xe0)],
    ['a PNG picture', bytes(0x89, 'PNG\r\n', 0x1a, '\n')],
    ['a GIF picture', bytes('GIF89a', 0, 0)],
    ['a WebP picture', bytes('RIFF', 1, 2, 3, 4, 'WEBP', 0)],
    ['a zip archive without a data.pkl at its beginning', bytes('PK', 3, 4, 0, 0)],
    ['a gzip file', bytes(0x1f, 0x8b, 8, 0)],
    ['an HDF5 file (of Keras?)', bytes(0x89, 'HDF\r\n', 0x1a, '\n')],
    ['a PDF document', bytes('%PDF-1.7\n', 0xff, 0xfe)],
    ['a text file', bytes('<!doctype html>')],
    [
      'a Git LFS pointer (git lfs pull brings the file that it stands for)',
      bytes('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3655033\n'),
    ],
  ])('%s', (what, file) => {
    expect(() => readModel(file)).toThrow(`this is ${what}, not a model`);
  });
});

describe('sizes that no file can mean', () => {
  const planned = (dims: readonly (number | string)[], pads = [1, 1, 1, 1]): unknown =>
    createPlan(readModel(smallQOperatorModel({ dims, pads })));
  it.each([
    [[1, 3, 2 ** 20, 2 ** 20], 'supported: up to'],
    [[1, 3, 2 ** 40, 1], 'supported: up to'],
    [[1, 3, -8, 8], 'impossible shape [1, 3, -8, 8]'],
    [[0, 3, 8, 8], 'impossible shape [0, 3, 8, 8]'],
  ])('an input of %j', (dims, message) => {
    expect(() => planned(dims)).toThrow(Exact8Error);
    expect(() => planned(dims)).toThrow(message);
  });

  it('padding', () => {
    const most = 2 ** 30;
    expect(() => planned([1, 3, 8, 8], [most, most, most, most])).toThrow('supported: up to');
  });
});
