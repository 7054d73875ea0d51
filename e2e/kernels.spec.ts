import type { CasesResult } from '../harness/cases/run_cases.ts';
import { ENGINES } from '../src/engines/index.ts';
import { LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';

/** Kernels know no engine: most cases go to those whose sums saturate, and whose adds have two formulas: all forms are in them. */
const CASES = { qnnpack: 80, fbgemm: 120, 'fbgemm-avx2': 500, onednn: 80, x86: 120 };
const TIMES = LONG ? 10 : 1;
const UNPACKED_CASES = 40 * TIMES;

/** Runs generated cases in the page; `packedDot` chooses between the two exact paths of the dot product. */
const run = (page: import('playwright/test').Page, engine: string, count: number, packedDot: boolean, first = 0) =>
  page.evaluate(
    async ({ engine, count, packedDot, first }) => {
      const { runCases } = (await import(
        '/harness/cases/run_cases.ts' as string
      )) as typeof import('../harness/cases/run_cases.ts');
      const { featuresOf } = (await import('/src/gpu/device.ts' as string)) as typeof import('../src/gpu/device.ts');
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
      const device = await keptDevice();
      return runCases(engine, 1, first, first + count, device, {
        features: { ...(await featuresOf(device)), packedDot },
      });
    },
    { engine, count, packedDot, first },
  );

const used = (result: CasesResult): string => Object.keys(result.coverage).join('\n');

for (const [engine, count] of Object.entries(CASES).map(([engine, count]) => [engine, TIMES * count] as const))
  test(`${engine}: ${count} generated cases on the GPU equal the host reference`, async ({ kept }) => {
    const result = await run(kept, engine, count, true);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ cases: count, mismatches: 0, refused: 0 });
    // the cases reach every form, and where the engine saturates, the kernel for it
    for (const form of ['multiply_shift', 'two_limbs', 'checked_line', 'wide_multiply', 'corrected_guess', 'search'])
      expect(used(result)).toContain(`requantize/${form}`);
    // every kernel variant computes the cases that it may
    for (const kernel of [
      'pointwise_tiled',
      'lanes ',
      'lanes_chunked',
      'words/plain',
      'words/subgroup',
      'depthwise_rows',
    ])
      expect(used(result)).toContain(kernel);
    if (['fbgemm', 'fbgemm-avx2', 'x86'].includes(engine)) expect(used(result)).toContain('conv_pairs');
    if (['fbgemm', 'onednn'].includes(engine)) expect(used(result)).toContain('add_tail');
  });

/** Of a turn of all kinds of operators, TensorFlow Lite's own are the last. */
const [FIRST, COUNT] = LONG ? [0, 500] : [20, 17];
for (const { name } of ENGINES.filter(({ family }) => family === 'tflite'))
  test(`${name}: ${COUNT} generated cases of its operators on the GPU equal the host reference`, async ({ kept }) => {
    const result = await run(kept, name, COUNT, true, FIRST);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ cases: COUNT, mismatches: 0 });
    // scales and sums that the engine does not take
    expect(result.refused).toBeLessThan(Math.max(2, COUNT / 50));
    for (const kernel of ['matmul', 'resize_bilinear', 'softmax', 'average_pool'])
      expect(used(result)).toContain(kernel);
  });

test('onednn-avx2: pairs within taps, and borders that take no part, equal the host reference', async ({ kept }) => {
  const result = await run(kept, 'onednn-avx2', 100 * TIMES, true);
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ mismatches: 0, refused: 0 });
  expect(used(result)).toContain('pairs/outside/nothing');
});

test('without the packed dot product: the same bits by another path', async ({ kept }) => {
  const result = await run(kept, 'onnxruntime', UNPACKED_CASES, false);
  expect(result.failures).toEqual([]);
  expect(used(result)).toContain('dot/unpacked');
  expect(used(result)).not.toContain('dot/packed');
});

test('a view whose elements come in another order: what is traced and what is run equal the host', async ({ kept }) => {
  const results = await kept.evaluate(async () => {
    type Draw = typeof import('../harness/cases/draw.ts');
    const { graphOf, whole } = (await import('/harness/cases/draw.ts' as string)) as Draw;
    type Library = typeof import('../src/index.ts');
    const { InferenceSession, Tensor, referenceTrace } = (await import('/src/index.ts' as string)) as Library;
    const quantization = whole(0.5, 3);
    const shape = [2, 36, 4, 1];
    const input = { name: 'x', type: 'uint8', shape, quantization } as const;
    const attributes = { blocksize: 3, mode: 'DCR' };
    const output = { name: 'y', type: 'uint8', quantization } as const;
    const graph = graphOf('onnxruntime', 'DepthToSpace', [input], output, [], attributes);
    const feeds = {
      x: new Tensor(
        'uint8',
        Uint8Array.from({ length: 288 }, (_, i) => i % 251),
        shape,
      ),
    };
    const session = await InferenceSession.create(graph);
    const expected = referenceTrace(session.plan, feeds).outputs['y']!;
    const computed = [(await session.trace(feeds)).outputs['y']!, (await session.run(feeds))['y']!];
    const equal = computed.map(({ data }) => data.every((v: number | bigint, i: number) => v === expected.data[i]));
    const isMoved = expected.data.some((v: number | bigint, i: number) => v !== feeds.x.data[i]);
    session.release();
    return { views: [...session.plan.views], isMoved, equal };
  });
  expect(results).toEqual({ views: [['y', 'x']], isMoved: true, equal: [true, true] });
});

test('a device is asked how it rounds: one that rounds otherwise does without the form that relies on it', async ({
  kept,
}) => {
  const answers = await kept.evaluate(async () => {
    const { featuresOf, requestDevice } = (await import(
      '/src/gpu/device.ts' as string
    )) as typeof import('../src/gpu/device.ts');
    const product = '(accumulators + form.bias) * form.scale';
    const answers: (boolean | undefined)[] = [];
    const coarse = 'floor((accumulators + form.bias) * 64.0) * 0.015625 * form.scale';
    // as the device is; the product a rounding further up; sums rounded down, and more
    for (const planted of [product, `${product} * 1.0000001`, coarse]) {
      const device = await requestDevice();
      const create = device.createShaderModule.bind(device);
      device.createShaderModule = (descriptor) =>
        create({ ...descriptor, code: descriptor.code.replace(product, planted) });
      answers.push((await featuresOf(device)).nearestEven);
      device.destroy();
    }
    return answers;
  });
  expect(answers).toEqual([true, false, false]);
});
