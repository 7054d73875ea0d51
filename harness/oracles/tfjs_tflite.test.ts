import { expect, it } from 'vitest';
import { readModel } from '../../src/formats/index.ts';
import { tfliteNames } from '../../src/formats/tflite/read.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { Tensor } from '../../src/tensor.ts';
import { smallTflite } from '../../tests/helpers/small_tflite.ts';
import { openTfjsTflite } from '../process/tfjs_tflite.ts';
import { tfliteOracle, type TfjsTflite } from './tfjs_tflite.ts';
import { watchTflite } from './watch_tflite.ts';

const COMPUTED = ['conv', 'depthwise', 'sum', 'pool', 'mean', 'logits'];

it('a watched file has its outputs, then all that it computes, and is otherwise as it was', () => {
  const model = smallTflite('int8');
  const watched = watchTflite(model);
  expect(readModel(watched).outputs).toEqual(['softmax', ...COMPUTED]);
  expect(readModel(watchTflite(watched)).outputs).toEqual(['softmax', ...COMPUTED]);
  const changed = [...model].flatMap((byte, i) => (byte === watched[i] ? [] : [i]));
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.at(-1)! - changed[0]!).toBeLessThan(4);
});

/** Gives its outputs' numbers, plus what it is opened for the second time adds to them. */
function pretended(bytes: Uint8Array, change: number): TfjsTflite {
  const names = tfliteNames(bytes);
  let opened = 0;
  return {
    open(model) {
      const added = opened++ === 0 ? 0 : change;
      const results = readModel(model).outputs.map(
        (name) => [names.indexOf(name), new Int8Array(name === 'softmax' ? 10 : 1).fill(added)] as const,
      );
      return { run: () => new Map(results), release: () => undefined };
    },
  };
}

it('where watching changes an output, the outputs alone are given, and why', async () => {
  const bytes = smallTflite('int8');
  const { graph } = createPlan(readModel(bytes));
  const feeds = { x: new Tensor('int8', new Int8Array(192), [1, 3, 8, 8]) };
  const oracle = tfliteOracle(pretended(bytes, 1), bytes, graph);
  const { outputs, tensors, disturbed } = await oracle.run(feeds);
  expect(Object.keys(outputs)).toEqual(['softmax']);
  expect([tensors, disturbed]).toEqual([{}, expect.stringContaining('another softmax')]);
});

it('without the package it is said what to install', async () => {
  await expect(openTfjsTflite([])).rejects.toThrow(/npm install --prefix .*@tensorflow\/tfjs-tflite@/);
});
