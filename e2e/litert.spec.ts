import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { SUPPORTED_OPERATORS } from '../src/formats/tflite/operators.ts';
import type { Processor, Runtime } from '../src/engines/origin.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { smallTfliteModel } from '../tests/helpers/small_tflite.ts';
import type { ByteType } from '../tests/helpers/tflite_draft.ts';
import { drawnNetworks } from '../tests/helpers/tflite_networks.ts';
import { writeTflite } from '../tests/helpers/tflite_file.ts';
import { zooNetworks } from '../tests/helpers/tflite_zoo.ts';
import { emulatedPython, type Processor as Emulated } from './emulated.ts';
import { expect, test } from './gpu.ts';
import { expectHostEqual, type Compared, type Kernels, type Network } from './litert/equal.ts';
import { base64 } from './onnxruntime/json.ts';
import { LITERT, pythonWith } from './python.ts';

const EMULATED: readonly (readonly [name: Emulated, is: Processor])[] = chosen(
  [['neoverse-n1', 'arm64-dot']],
  [['cortex-a72', 'arm64']],
);

const TYPES = ['uint8', 'int8'] as const;
const KERNELS: readonly Kernels[] = ['reference', 'builtin', 'xnnpack'];
/** Widths: whole vectors, tails of each kind, a single channel. */
const CHANNELS = chosen([16, 13, 1], [3, 8, 24, 32, 33, 40]);
const SEEDS = chosen([1], [2, 3, 4, 5, 6, 7, 8]);

const classifiers = (type: ByteType): Network[] =>
  SEEDS.flatMap((seed) =>
    CHANNELS.map((channels) => ({
      name: `${type}, ${channels} channels, seed ${seed}`,
      model: smallTfliteModel(type, seed, channels),
    })),
  );
/** Networks with every operator. */
const drawn = (type: ByteType): Network[] =>
  SEEDS.flatMap((seed) =>
    drawnNetworks(type, seed).map((model, i) => ({ name: `${type}, drawn by seed ${seed}, ${i}`, model })),
  );
const zoo = (type: ByteType): Network[] =>
  zooNetworks(type).map(([name, model]) => ({ name: `${type} ${name}`, model }));

const ofBoth = (networks: (type: ByteType) => Network[]): Network[] => TYPES.flatMap(networks);

test('the networks have every operator that is read', () => {
  const operators = new Set(ofBoth(drawn).flatMap(({ model }) => model.operators.map(({ op }) => op)));
  expect(SUPPORTED_OPERATORS.filter((op) => !operators.has(op))).toEqual([]);
});

test('drawn networks: the GPU equals the host in every tensor', async ({ kept }) => {
  const networks = ofBoth(drawn).filter((_, i) => LONG || i % 3 === 0);
  const files = networks.map(({ name, model }) => ({ name, bytes: base64(writeTflite(model)) }));
  const wrong = await kept.evaluate(
    async ({ files, engines }) => {
      const { InferenceSession } = (await import(
        '/src/session/session.ts' as string
      )) as typeof import('../src/session/session.ts');
      type Reference = typeof import('../src/plan/reference.ts');
      const { referenceTrace } = (await import('/src/plan/reference.ts' as string)) as Reference;
      type Feeds = typeof import('../harness/cli/generated_inputs.ts');
      const { randomFeeds } = (await import('/harness/cli/generated_inputs.ts' as string)) as Feeds;
      const { bitsOf, firstDifference } = (await import('/harness/compare/bits.ts' as string)) as typeof import('../harness/compare/bits.ts'); // prettier-ignore
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
      const device = await keptDevice();
      const wrong: string[] = [];
      for (const { name, bytes } of files)
        for (const engine of engines) {
          const model = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
          const session = await InferenceSession.create(model, { engine, device });
          const feeds = randomFeeds(session.plan, 1);
          const host = referenceTrace(session.plan, feeds).tensors;
          const gpu = new Map((await session.trace(feeds)).tensors.map((tensor) => [tensor.name, tensor]));
          for (const { name: tensor, data } of host)
            if (firstDifference(bitsOf(gpu.get(tensor)!.data), bitsOf(data)).count > 0)
              wrong.push(`${name}, ${engine}: '${tensor}'`);
          await session.release();
        }
      return wrong;
    },
    { files, engines: chosen(['tflite-builtin'], ['tflite', 'tflite-builtin-arm64', 'xnnpack', 'xnnpack-arm64']) },
  );
  expect(wrong).toEqual([]);
});

test.describe('networks equal LiteRT, whose kernel sets show every tensor', () => {
  test.setTimeout(480_000);
  const compared = (processor: Processor, networks: (kernels: Kernels) => Network[]): Compared[] =>
    KERNELS.map((kernels) => ({
      kernels,
      engine: engineOn(`litert-${kernels}` as Runtime, processor)!,
      networks: networks(kernels),
    }));

  test('on this machine', () => {
    const python = pythonWith(LITERT);
    test.skip(python === undefined, 'needs a Python with ai_edge_litert');
    const { processor } = detectProcessor();
    test.skip(processor === undefined, 'needs a processor of which the engine is known');
    const networks = [...ofBoth(classifiers), ...ofBoth(drawn), ...chosen(zoo('int8'), zoo('uint8'))];
    expectHostEqual(
      [python!],
      compared(processor!, () => networks),
    );
  });

  for (const [name, is] of EMULATED)
    test(`on an emulated ${name}`, () => {
      const python = emulatedPython('ai_edge_litert');
      test.skip(python === undefined, 'needs LiteRT on emulated ARM processors: tests/emulated/setup.sh');
      const networks = [...ofBoth(drawn), ...chosen([], ofBoth(zoo))];
      // of uint8 tensors of several scales, ARM's reference kernel fuses multiply-adds, and is no engine of exact8's
      const joinsUint8 = ({ model: { tensors, operators } }: Network): boolean =>
        tensors.some(({ type }) => type === 'uint8') && operators.some(({ op }) => op === 'CONCATENATION');
      expectHostEqual(
        [python!, name],
        compared(is, (kernels) => networks.filter((one) => kernels !== 'reference' || !joinsUint8(one))),
      );
    });
});
