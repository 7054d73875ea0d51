import { existsSync } from 'node:fs';
import { expect, test } from './gpu.ts';
import type { Models } from './in_page.ts';

type Provider = typeof import('./provider_page.ts');
type Small = Models & { smallQdqModel(): Uint8Array };

test("onnxruntime with exact8 as its provider: the results of its wasm, bit for bit, and onnxruntime's own tensors", async ({
  gpu,
}) => {
  const results = await gpu.evaluate(async () => {
    const { ort, program, register, openInWasm } = (await import('/e2e/provider_page.ts' as string)) as Provider;
    const { smallQOperatorModel, smallQdqModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Small;
    register(ort);
    const pairs: unknown[] = [];
    for (const model of [smallQOperatorModel(), smallQdqModel()]) {
      const theirs = await program(model, { executionProviders: ['wasm'] });
      for (const options of [
        { executionProviders: ['exact8'] },
        { executionProviders: [{ name: 'exact8', fusion: 'none' }, 'wasm'], logSeverityLevel: 3 },
        { executionProviders: ['exact8'], preferredOutputLocation: 'gpu-buffer' },
      ] as const)
        pairs.push([await program(model, options), theirs]);
      const here = await openInWasm(ort, model);
      pairs.push([here.outputNames, Object.keys(theirs)]);
    }
    // an output into the caller's own memory
    const session = await ort.InferenceSession.create(smallQOperatorModel(), { executionProviders: ['exact8'] });
    const x = new ort.Tensor('float32', new Float32Array(192).fill(1), [1, 3, 8, 8]);
    const own = new ort.Tensor('float32', new Float32Array(4), [1, 4]);
    const given = await session.run({ x }, { y: own });
    pairs.push([given['y'] === own, true], [own.data.join(), (await session.run({ x }))['y']!.data.join()]);
    return pairs as [unknown, unknown][];
  });
  expect(results).toHaveLength(10);
  for (const [ours, theirs] of results) expect(ours).toEqual(theirs);
});

test('what exact8 refuses is refused by name; or runs in wasm, where that was asked for, and is reported', async ({
  gpu,
}) => {
  const outcomes = await gpu.evaluate(async () => {
    const { ort, program, register, openInWasm } = (await import('/e2e/provider_page.ts' as string)) as Provider;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const { writeOnnx } = (await import(
      '/models/onnx_writer.ts' as string
    )) as typeof import('../models/onnx_writer.ts');
    const unsupported = writeOnnx({
      name: 'sine',
      description: '',
      inputs: [{ name: 'x', type: 'float32', dims: [2] }],
      outputs: [{ name: 'y', type: 'float32' }],
      nodes: [{ name: 'n', op: 'Sin' as never, domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
      constants: [],
    });
    const mine = { executionProviders: ['exact8'] };
    const wasm = { executionProviders: ['wasm'] };
    const outcome = (work: Promise<unknown>) => work.then((value) => JSON.stringify(value), String);
    const run = (options: object, model = smallQOperatorModel()) => outcome(program(model, options));
    const handed: string[] = [];
    register(ort);
    const refused = await run(mine, unsupported);
    const notInWasm = await outcome(openInWasm(ort, unsupported));
    const option = await run({ ...mine, graphOptimizationLevel: 'disabled' });
    // another registration, of the same name: onnxruntime keeps the first of a priority
    const again = {
      ...ort,
      registerBackend: (_: string, backend: never) => ort.registerBackend('handing', backend, -1),
    };
    register(again as never, { onHandedToWasm: ({ reason }) => handed.push(reason.name) });
    const handing = { executionProviders: ['handing'] };
    const equal = (await run(handing, unsupported)) === (await run(wasm, unsupported));
    // a browser that does not use the GPU, and one without WebGPU
    navigator.gpu.requestAdapter = async () => null;
    const noAdapter = await run(mine);
    const equalWithoutAdapter = (await run(handing)) === (await run(wasm));
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    const noGpu = await run(mine);
    const equalWithoutGpu = (await run(handing)) === (await run(wasm));
    return { refused, notInWasm, option, noAdapter, noGpu, equal, equalWithoutAdapter, equalWithoutGpu, handed };
  });
  expect(outcomes).toEqual({
    refused: expect.stringMatching(/^UnsupportedModelError: the model is not quantized/),
    notInWasm: expect.stringMatching(/^UnsupportedModelError: the model is not quantized/),
    option: "InvalidInputError: option 'graphOptimizationLevel' is one of all; got 'disabled'",
    noAdapter: expect.stringMatching(/^NoWebGpuError: WebGPU has no adapter here/),
    noGpu: expect.stringMatching(/^NoWebGpuError: this environment has no WebGPU/),
    equal: true,
    equalWithoutAdapter: true,
    equalWithoutGpu: true,
    handed: ['UnsupportedModelError', 'NoWebGpuError', 'NoWebGpuError'],
  });
});

test.describe('needs ../shared: ImageNet models', () => {
  const folder = '../shared/models';
  const models = ['mobilenetv2_qdq', 'mobilenetv2_u8.qlinear', 'mobilenetv1_025_128_u8.qlinear'];
  test.skip(!existsSync(folder), 'no ../shared');
  for (const name of models)
    test(`onnxruntime's front end: ['exact8'] equals ['wasm']: ${name}`, async ({ gpu }) => {
      await gpu.route('**/model.onnx', (route) => route.fulfill({ path: `${folder}/imagenet_${name}.onnx` }));
      const [ours, theirs] = await gpu.evaluate(async () => {
        const { ort, program, register } = (await import('/e2e/provider_page.ts' as string)) as Provider;
        register(ort);
        const of = (provider: string) => program('/model.onnx', { executionProviders: [provider] });
        return [await of('exact8'), await of('wasm')];
      });
      expect(ours).toEqual(theirs);
      expect(Object.values(ours!)[0]!.length).toBeGreaterThan(1000);
    });
});
