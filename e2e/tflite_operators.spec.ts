import { existsSync } from 'node:fs';
import { UnsupportedModelError } from '../src/errors.ts';
import { readModel } from '../src/formats/index.ts';
import type { Graph } from '../src/graph/graph.ts';
import {
  KERNEL_SETS,
  recordedOperators,
  TFLITE_OPERATORS,
  toNchw,
  type RecordedOperator,
} from '../tests/helpers/tflite_operators.ts';
import { LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';

type Name = keyof typeof KERNEL_SETS;

/** Of the operators every so many: all of them are compared on the host. */
const EVERY = LONG ? 1 : 4;

const base64 = (data: ArrayBufferView): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');

/** undefined where it is refused. */
function read(bytes: Uint8Array): Graph | undefined {
  try {
    return readModel(bytes);
  } catch (error) {
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}

/** A model, what it is fed and what the engine gave, for a page. */
function packed(name: Name, one: RecordedOperator) {
  const wanted = one.expected(name);
  if (!wanted) return [];
  const graph = read(one.bytes);
  if (!graph) return [];
  const feeds = Object.entries(one.feeds(graph)).map(([key, { type, dims, data }]) => ({
    key,
    type,
    dims,
    data: base64(data),
  }));
  return [{ name: one.name, model: base64(one.bytes), feeds, expected: base64(toNchw(wanted.data, wanted.shape)) }];
}

type Packed = ReturnType<typeof packed>[number];

/** In a page: how many of the operators are refused, and which give other values. */
async function compare({ engine, cases }: { engine: string; cases: readonly Packed[] }) {
  const { InferenceSession } = (await import(
    '/src/session/session.ts' as string
  )) as typeof import('../src/session/session.ts');
  const { Tensor } = (await import('/src/tensor.ts' as string)) as typeof import('../src/tensor.ts');
  const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
  const device = await keptDevice();
  const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const VIEWS = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };
  const wrong: string[] = [];
  let refused = 0;
  for (const { name, model, feeds, expected } of cases) {
    try {
      const session = await InferenceSession.create(bytes(model), { engine, device });
      const inputs = feeds.map(({ key, type, dims, data }) => {
        const View = VIEWS[type as keyof typeof VIEWS];
        return [key, new Tensor(type, new View(bytes(data).buffer) as never, dims)] as const;
      });
      const [output] = Object.values(await session.run(Object.fromEntries(inputs)));
      const { buffer, byteOffset, byteLength } = output!.data;
      const got = new Uint8Array(buffer, byteOffset, byteLength);
      const wanted = bytes(expected);
      if (got.length !== wanted.length || got.some((byte, i) => byte !== wanted[i])) wrong.push(name);
      session.release();
    } catch (error) {
      if ((error as Error).name !== 'UnsupportedModelError') throw error;
      refused++;
    }
  }
  return { wrong, refused };
}

test.describe('needs ../shared: operators recorded from LiteRT', () => {
  test.skip(!existsSync(TFLITE_OPERATORS), 'needs ../shared');
  for (const engine of Object.keys(KERNEL_SETS) as Name[])
    test(`the GPU equals ${engine}`, async ({ kept }) => {
      const all = recordedOperators().filter((_, i) => i % EVERY === 0);
      const cases = all.flatMap((one) => packed(engine, one));
      const { wrong, refused } = await kept.evaluate(compare, { engine, cases });
      expect(wrong).toEqual([]);
      expect(cases.length - refused).toBeGreaterThan(all.length / 2);
    });
});
