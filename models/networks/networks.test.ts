import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { ortFolder } from '../../harness/chrome/ort_folder.ts';
import { writeFloatModel } from '../float_model.ts';
import type { Ranges } from '../int8_model.ts';
import { NETWORKS, type Form } from './index.ts';
import { measureRanges, writeNetwork } from './quantize.ts';
import { INPUT, type Network } from '../network.ts';
import { parseOnnx } from '../../src/formats/onnx/proto.ts';
import { chosen } from '../../tests/helpers/long.ts';

/** Those that are built in a second; e2e/networks.spec.ts has all. */
const QUICK = chosen(['squeezenet', 'mobilenetv3'], ['resnet']);

/** Soft waves of colour. */
const picture = (size: number): Float32Array =>
  Float32Array.from({ length: 3 * size * size }, (_, i) => 0.5 + 0.5 * Math.sin((i % size) * 0.05 + i / 9000));

async function run(model: Uint8Array, size: number): Promise<number[]> {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const { logits } = await session.run({ [INPUT]: new ort.Tensor('float32', picture(size), [1, 3, size, size]) });
  await session.release();
  return [...(logits!.data as Float32Array)];
}

const counts = (model: Uint8Array): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const { opType } of parseOnnx(model).graph!.nodes) found[opType] = (found[opType] ?? 0) + 1;
  return found;
};

/** Cosine of the angle between two vectors. */
function likeness(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

beforeAll(() => {
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
  ort.env.wasm.numThreads = 1;
});

describe.each(QUICK)('%s', (name) => {
  const { build, forms, description } = NETWORKS[name]!;
  let network: Network;
  let ranges: Ranges;
  const write = (form: Form): Uint8Array => writeNetwork(network, ranges, form, description);

  beforeAll(async () => {
    network = await build();
    ranges = await measureRanges(network, [picture(network.input.size)]);
  }, 60_000);

  test('onnxruntime-web runs it in each of its forms, with like results', async () => {
    const { size } = network.input;
    const float = await run(writeFloatModel(network), size);
    expect(float).toHaveLength(network.classes);
    for (const form of forms) expect(likeness(await run(write(form), size), float), form).toBeGreaterThan(0.9);
  });

  test('is the same bytes every time', async () => {
    const again = writeNetwork(await build(), ranges, forms[0]!, description);
    expect(Buffer.from(write(forms[0]!)).equals(again)).toBe(true);
  });
});

describe('the networks', () => {
  const written = async (name: string, form: Form): Promise<Record<string, number>> => {
    const network = await NETWORKS[name]!.build();
    const ranges = Object.fromEntries(network.layers.map((layer) => [layer.name, [-1, 1] as const]));
    return counts(writeNetwork(network, ranges, form, ''));
  };

  test('a ResNet adds, and pools what it adds', async () => {
    expect(await written('resnet', 'qoperator')).toMatchObject({
      QLinearConv: 29,
      QLinearAdd: 14,
      QLinearAveragePool: 4,
      MaxPool: 1,
      QLinearGlobalAveragePool: 1,
      QGemm: 1,
    });
  });

  test('a SqueezeNet concatenates', async () => {
    expect(await written('squeezenet', 'qoperator')).toMatchObject({ QLinearConv: 26, QLinearConcat: 8, MaxPool: 3 });
  });

  test('a MobileNetV3 swishes, squeezes and excites', async () => {
    expect(await written('mobilenetv3', 'qdq')).toMatchObject({
      HardSwish: 19,
      HardSigmoid: 9,
      Mul: 9,
      Add: 6,
      Conv: 52,
    });
  });

  test('what ONNX has no quantized operator for is refused by name', async () => {
    await expect(written('mobilenetv3', 'qoperator')).rejects.toThrow("'stem': ONNX has no quantized operator");
  });

  test('the range of every layer is needed', async () => {
    const network = await NETWORKS['squeezenet']!.build();
    expect(() => writeNetwork(network, {}, 'qdq', '')).toThrow("no range for 'conv1'");
  });
});
