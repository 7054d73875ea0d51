import { expect, test } from './gpu.ts';

const CASES = 240;

test(`${CASES} cases of products in pairs, in every order, equal the host on the GPU, accumulators too`, async ({
  gpu,
}) => {
  const { failures, layers, differing } = await gpu.evaluate(async (count) => {
    type Generate = typeof import('../harness/cases/generate.ts');
    const { generateCase } = (await import('/harness/cases/generate.ts' as string)) as Generate;
    type Engines = typeof import('../tests/helpers/pairing_engines.ts');
    const { pairingEngine, PAIRING_COUNT, withLeast } = (await import(
      '/tests/helpers/pairing_engines.ts' as string
    )) as Engines;
    type Library = typeof import('../src/index.ts');
    const { InferenceSession, findEngine, referenceTrace } = (await import('/src/index.ts' as string)) as Library;
    type Device = typeof import('../src/gpu/device.ts');
    const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
    const device = await requestDevice();
    const failures: string[] = [];
    const differing = new Set<number>();
    let layers = 0;
    for (let index = 0; index < count; index++) {
      const random = generateCase('onnxruntime', 32, index);
      const { graph, feeds, id, description } = index % 4 < 2 ? withLeast(random) : random;
      const engine = pairingEngine(findEngine('onnxruntime'), index);
      if (!['Conv', 'Gemm'].includes(graph.nodes[0]!.op)) continue;
      const session = await InferenceSession.create(graph, { device, engine });
      if (session.plan.steps[0]!.kernel === 'conv_pairs') {
        layers++;
        const host = referenceTrace(session.plan, feeds).tensors.at(-1)!;
        const gpu = (await session.trace(feeds, { accumulators: true })).tensors.at(-1)!;
        const exact = { ...session.plan, engine: { ...engine, accumulation: () => 'exact' as const } };
        const sums = referenceTrace(exact, feeds).tensors.at(-1)!.accumulators!;
        if (host.accumulators!.some((sum, i) => sum !== sums[i])) differing.add(index % PAIRING_COUNT);
        const equal = String(gpu.data) === String(host.data) && String(gpu.accumulators) === String(host.accumulators);
        if (!equal) failures.push(`${id}, ${engine.name}: ${description}`);
      }
      session.release();
    }
    device.destroy();
    return { failures, layers, differing: [...differing].sort() };
  }, CASES);
  expect(failures).toEqual([]);
  expect(layers).toBeGreaterThan(30);
  expect(differing).toEqual([0, 1, 2, 3, 4, 5]);
});
