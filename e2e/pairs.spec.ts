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

test('sums of 2^24 and more are rounded to float32 as the host does, half of them at ties', async ({ gpu }) => {
  const sums = await gpu.evaluate(async () => {
    type Draw = typeof import('../harness/cases/draw.ts');
    const { graphOf, whole } = (await import('/harness/cases/draw.ts' as string)) as Draw;
    type Engines = typeof import('../tests/helpers/pairing_engines.ts');
    const { pairingEngine } = (await import('/tests/helpers/pairing_engines.ts' as string)) as Engines;
    type Library = typeof import('../src/index.ts');
    const { InferenceSession, Tensor, findEngine, referenceTrace } = (await import(
      '/src/index.ts' as string
    )) as Library;
    const [rows, count, outputs] = [8, 1200, 4];
    const type = 'uint8' as const;
    // no pair overflows: 255 * (64 + 64) is below 2^15
    const data = Int8Array.from({ length: count * outputs }, (_, i) => 62 + ((i * 29 + (i >> 5)) % 3));
    const weights = { name: 'w', type: 'int8' as const, shape: [outputs, count], data, quantization: whole(1, 0) };
    const x = Uint8Array.from({ length: rows * count }, (_, i) => 205 + ((i * 37 + (i >> 7)) % 51));
    const input = { name: 'x', type, shape: [rows, count], quantization: whole(1, 100) };
    const output = { name: 'y', type, quantization: whole(65536, 0) };
    const graph = graphOf('onnxruntime', 'Gemm', [input], output, [weights], { transB: 1 });
    const session = await InferenceSession.create(graph, { engine: pairingEngine(findEngine('onnxruntime'), 4) });
    const feeds = { x: new Tensor(type, x, [rows, count]) };
    const host = referenceTrace(session.plan, feeds).tensors.at(-1)!.accumulators!;
    const own = (await session.trace(feeds, { accumulators: true })).tensors.at(-1)!.accumulators!;
    const plain = { ...session.plan, engine: findEngine('onnxruntime') };
    const exact = referenceTrace(plain, feeds).tensors.at(-1)!.accumulators!;
    session.release();
    return { host: [...host], own: [...own], exact: [...exact] };
  });
  expect(sums.own).toEqual(sums.host);
  const moved = sums.host.map((sum, i) => sum - sums.exact[i]!);
  for (const by of [-1, 0, 1]) expect(moved.filter((one) => one === by).length).toBeGreaterThan(3);
});
