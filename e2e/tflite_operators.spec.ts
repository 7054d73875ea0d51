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
import { base64 } from './onnxruntime/json.ts';
import { compareOperators, type Operator } from './compare_operators.ts';
import { expect, test } from './gpu.ts';

type Name = keyof typeof KERNEL_SETS;

/** Of the operators every so many: all of them are compared on the host. */
const EVERY = LONG ? 1 : 4;

/** undefined where it is refused. */
function read(bytes: Uint8Array): Graph | undefined {
  try {
    return readModel(bytes);
  } catch (error) {
    if (error instanceof UnsupportedModelError) return undefined;
    throw error;
  }
}

function packed(name: Name, one: RecordedOperator): Operator[] {
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

test.describe('needs ../shared: operators recorded from LiteRT', () => {
  test.skip(!existsSync(TFLITE_OPERATORS), 'needs ../shared');
  for (const engine of Object.keys(KERNEL_SETS) as Name[])
    test(`the GPU equals ${engine}`, async ({ kept }) => {
      const all = recordedOperators().filter((_, i) => i % EVERY === 0);
      const cases = all.flatMap((one) => packed(engine, one));
      const { wrong, refused } = await kept.evaluate(compareOperators, { engine, cases });
      expect(wrong).toEqual([]);
      // what is refused here without a device is no case
      expect([cases.length, refused]).toEqual([all.length, 0]);
    });
});
