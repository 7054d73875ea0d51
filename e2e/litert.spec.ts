import { spawnSync } from 'node:child_process';
import { expect, test } from 'playwright/test';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { readModel } from '../src/formats/index.ts';
import type { Runtime } from '../src/engines/origin.ts';
import { createPlan } from '../src/plan/plan.ts';
import { referenceTrace } from '../src/plan/reference.ts';
import { Tensor } from '../src/tensor.ts';
import { Random } from '../models/random.ts';
import { chosen } from '../tests/helpers/long.ts';
import { toNchw } from '../tests/helpers/tflite_operators.ts';
import { smallTflite } from '../tests/helpers/small_tflite.ts';
import { base64, decode, encode, type JsonTensors } from './onnxruntime/json.ts';
import { LITERT, pythonWith } from './python.ts';

const channelsFirst = (data: Tensor['data'], shape: readonly number[]) => toNchw(data as never, shape) as Uint8Array;

const { processor } = detectProcessor();
const KERNELS = ['reference', 'builtin', 'xnnpack'] as const;
/** Widths: whole vectors, tails of each kind, a single channel. */
const CHANNELS = chosen([16, 13, 1], [3, 8, 24, 32, 33, 40]);
const SEEDS = chosen([1, 2], [3, 4, 5]);

interface Network {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** [1, 8, 8, 3] */
  readonly x: Tensor;
}

const networks = (): Network[] =>
  (['uint8', 'int8'] as const).flatMap((type) =>
    SEEDS.flatMap((seed) =>
      CHANNELS.map((channels) => {
        const random = new Random(seed);
        const values = Array.from({ length: 192 }, () => random.integer(0, 255) - (type === 'int8' ? 128 : 0));
        const data = type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
        return {
          name: `${type}, ${channels} channels, seed ${seed}`,
          bytes: smallTflite(type, seed, channels),
          x: new Tensor(type, data as never, [1, 8, 8, 3]),
        };
      }),
    ),
  );

for (const kernels of KERNELS)
  test(`networks equal LiteRT's ${kernels} kernels in every tensor that it shows`, () => {
    test.setTimeout(120_000);
    const python = pythonWith(LITERT);
    test.skip(python === undefined, 'needs a Python with ai_edge_litert');
    const engine = processor && engineOn(`litert-${kernels}` as Runtime, processor);
    test.skip(engine === undefined, 'needs a processor of which the engine is known');
    const all = networks();
    const requests = all.map(({ bytes, x }) => JSON.stringify({ model: base64(bytes), kernels, feeds: encode({ x }) }));
    const { stdout, stderr } = spawnSync(python!, ['e2e/litert/run.py'], {
      input: requests.join('\n'),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const answers = stdout.trim().split('\n');
    expect(answers.length, stderr).toBe(all.length);
    let compared = 0;
    for (const [i, { name, bytes, x }] of all.entries()) {
      const { tensors, error } = JSON.parse(answers[i]!) as { tensors?: JsonTensors; error?: string };
      expect(error, name).toBeUndefined();
      const theirs = decode(tensors!);
      const feeds = { x: new Tensor(x.type, channelsFirst(x.data, x.dims) as never, [1, 3, 8, 8]) };
      const trace = referenceTrace(createPlan(readModel(bytes), { engine: engine! }), feeds);
      for (const ours of trace.tensors) {
        const tensor = theirs[ours.name];
        if (!tensor) continue;
        expect([...ours.data].map(Number), `${name}: ${ours.name}`).toEqual(
          [...channelsFirst(tensor.data, tensor.dims)].map(Number),
        );
        compared++;
      }
    }
    expect(compared).toBeGreaterThanOrEqual(kernels === 'xnnpack' ? all.length : all.length * 7);
  });
