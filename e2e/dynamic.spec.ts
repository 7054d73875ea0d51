import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright/test';
import { writeFloatModel } from '../models/float_model.ts';
import { Random } from '../models/random.ts';
import { writeOnnx, type OnnxNode } from '../models/onnx_writer.ts';
import { foldNetwork, type Network } from '../models/network.ts';
import { NETWORKS } from '../models/networks/index.ts';
import { readNsfwjs } from '../models/nsfwjs/keras.ts';
import { floatConvolutions, floatFunctions, floatMatrices, floatTransposed } from '../tests/helpers/float_products.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';
import { pythonWith, QUANTIZER } from './python.ts';

const GOLDENS = '../shared/goldens/dynamic';
const PUBLIC = '../shared/models/unsupported_dynamic_quantization.onnx';

/**
 * A model on the GPU, tensor by tensor and in joined steps, against onnxruntime-web: elements that differ.
 *
 * @param inputs of seeds; or how large each is
 */
const verify = (
  page: Page,
  bytes: Uint8Array,
  inputs: number | readonly number[] = 2,
  profile: 'software' | 'gpu' = 'software',
) =>
  page.evaluate(
    async ({ base64, inputs, profile }) => {
      type Library = typeof import('../src/index.ts');
      const { InferenceSession, Tensor, DEFAULT_PROFILES } = (await import('/src/index.ts' as string)) as Library;
      type Web = typeof import('../harness/oracles/onnxruntime_web.ts');
      const { createOnnxruntimeWeb } = (await import('/harness/oracles/onnxruntime_web.ts' as string)) as Web;
      type Verify = typeof import('../harness/compare/verify.ts');
      const { computedTensors, verify } = (await import('/harness/compare/verify.ts' as string)) as Verify;
      type Device = typeof import('./kept_device.ts');
      const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const session = await InferenceSession.create(bytes, {
        device: await keptDevice(),
        profile: DEFAULT_PROFILES[profile],
      });
      const oracle = await createOnnxruntimeWeb(bytes, computedTensors(session.plan.graph));
      let state = 1;
      const random = (): number => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
      const wrong: string[] = [];
      let elements = 0;
      const sizes =
        typeof inputs === 'object' ? inputs : Array.from({ length: inputs }, () => 10 ** (2 * random() - 1));
      for (const scale of sizes) {
        const feeds = Object.fromEntries(
          session.plan.graph.inputs.map(({ name, shape }) => {
            const length = shape.reduce((product, d) => product * d, 1);
            const data = Float32Array.from({ length }, () => (random() + random() - 0.9) * scale);
            return [name, new Tensor('float32', data, shape)];
          }),
        );
        const { comparison, onlyOutputs, unsteady } = await verify(session, oracle, feeds, 1);
        if (onlyOutputs) wrong.push(onlyOutputs);
        if (unsteady) wrong.push(`joined, of inputs around ${scale}: ${unsteady.tensor}`);
        elements += comparison.elements;
        for (const { name, mismatches } of comparison.tensors) if (mismatches > 0) wrong.push(`${name}: ${mismatches}`);
      }
      await oracle.release();
      session.release();
      const joined = session.plan.steps.some(({ slots }) => slots['output'] === 'output/scaled');
      return { wrong, elements, joined };
    },
    { base64: Buffer.from(bytes).toString('base64'), inputs, profile },
  );

const models = chosen(
  ['dfl_u8', 'dw_u8', 'mm_u8pc'].map((name) => `${GOLDENS}/${name}.onnx`),
  [...['gemm_u8', 'res_u8', 'se_u8', 'shared_s8'].map((name) => `${GOLDENS}/${name}.onnx`), PUBLIC],
);
for (const file of models)
  test(`${file}: every tensor equals onnxruntime-web's (needs ../shared)`, async ({ kept }) => {
    test.skip(!existsSync(file), 'needs ../shared');
    const { wrong, elements } = await verify(kept, readFileSync(file));
    expect(wrong).toEqual([]);
    expect(elements).toBeGreaterThan(100);
  });

// from those whose scales are subnormal, or next to it, to those whose products overflow
const sizes = [1e-43, 3e-36, 1e-25, 1e-15, 1e15, 1e25, 1e36];
for (const profile of ['software', 'gpu'] as const)
  for (const name of ['dw_u8', 'res_u8'])
    test(`${name} on small and large inputs, ${profile} profile: equal to onnxruntime-web (needs ../shared)`, async ({
      kept,
    }) => {
      const file = `${GOLDENS}/${name}.onnx`;
      test.skip(!existsSync(file), 'needs ../shared');
      const { wrong, joined } = await verify(kept, readFileSync(file), sizes, profile);
      expect(wrong).toEqual([]);
      expect(joined).toBe(true);
    });

for (const [op, build] of [
  ['Conv', floatConvolutions],
  ['ConvTranspose', floatTransposed],
  ['MatMul and Gemm', floatMatrices],
  ['Exp and Pow', floatFunctions],
] as const)
  test(`${op} of float32: equal to onnxruntime-web`, async ({ kept }) => {
    const { wrong, elements } = await verify(kept, build().bytes(), 1);
    expect(wrong).toEqual([]);
    expect(elements).toBeGreaterThan(500);
  });

/** What onnxruntime's quantize_dynamic makes of a float model. */
function quantizeDynamic(float: Uint8Array, file: (name: string) => string, ...options: string[]): Uint8Array {
  const python = pythonWith(QUANTIZER);
  test.skip(python === undefined, 'needs a Python with onnxruntime and onnx');
  writeFileSync(file('float.onnx'), float);
  const args = ['e2e/onnxruntime/quantize_dynamic.py', file('float.onnx'), file('quantized.onnx'), ...options];
  const { status, stderr } = spawnSync(python!, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return readFileSync(file('quantized.onnx'));
}

type Build = () => Promise<Network>;

const networks = chosen<[name: string, build: Build, weights: string]>(
  [],
  [
    ['mobilenetv3', NETWORKS['mobilenetv3']!.build, 'uint8'],
    ['squeezenet', NETWORKS['squeezenet']!.build, 'int8'],
    ['resnet', NETWORKS['resnet']!.build, 'int8'],
    ['inception', () => NETWORKS['inception']!.build(155), 'uint8'],
    ['mobilenet_v2', async () => foldNetwork(await readNsfwjs('mobilenet_v2'), 'mobilenet_v2', 224), 'uint8'],
  ],
);
for (const [name, build, weights] of networks)
  test(`${name} of quantize_dynamic, ${weights} weights: every tensor equals onnxruntime-web's`, async ({
    kept,
  }, info) => {
    const model = quantizeDynamic(writeFloatModel(await build()), (file) => info.outputPath(file), weights);
    const { wrong, elements } = await verify(kept, model, 1);
    expect(wrong).toEqual([]);
    expect(elements).toBeGreaterThan(100_000);
  });

const yolos = chosen<[pixels: number, operators: readonly string[]]>(
  [[64, ['Conv']]],
  [
    [64, []],
    [640, []],
  ],
);
for (const [pixels, operators] of yolos)
  test(`YOLOv8n's shape, ${pixels} pixels, ${operators.join() || 'all'} quantized: equal to onnxruntime-web`, async ({
    kept,
  }, info) => {
    const python = pythonWith(QUANTIZER);
    test.skip(python === undefined, 'needs a Python with onnxruntime and onnx');
    const model = info.outputPath('yolo.onnx');
    const args = ['e2e/onnxruntime/yolo.py', model, String(pixels), ...operators];
    const { status, stderr } = spawnSync(python!, args, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const { wrong, elements } = await verify(kept, readFileSync(model), 1);
    expect(wrong).toEqual([]);
    expect(elements).toBeGreaterThan(400_000);
  });

/** A dynamically quantized depthwise convolution, with the input added or not, quantized again. */
function depthwiseModel(channels: number, width: number, isResidual: boolean): Uint8Array {
  const dims = [1, channels, 6, width];
  const random = new Random(channels * width);
  const node = (
    op: string,
    inputs: string[],
    outputs: string[],
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    ...{ name: outputs[0]!, op, domain: '', inputs, outputs, attributes },
  });
  return writeOnnx({
    ...{ name: 'depthwise', description: '', operatorSet: 17 },
    inputs: [{ name: 'x', type: 'float32', dims }],
    outputs: [{ name: 'q1', type: 'uint8' }],
    nodes: [
      node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('ConvInteger', ['q', 'w', 'z'], ['sums'], { group: channels, kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      node('Cast', ['sums'], ['floats'], { to: 1 }),
      node('Mul', ['s', 'ws'], ['scale']),
      node('Mul', ['floats', 'scale'], ['y']),
      ...(isResidual ? [node('Add', ['y', 'x'], ['sum'])] : []),
      node('DynamicQuantizeLinear', [isResidual ? 'sum' : 'y'], ['q1', 's1', 'z1']),
    ],
    constants: [
      {
        name: 'w',
        dims: [channels, 1, 3, 3],
        data: Int8Array.from({ length: 9 * channels }, () => random.integer(-9, 9)),
      },
      { name: 'ws', dims: [], data: Float32Array.of(0.0123) },
    ],
  });
}

test('depthwise sums of every number of channels and width: their range is that of what is there', async ({ kept }) => {
  const found: Record<string, unknown> = {};
  for (const [channels, widths] of [
    [3, [4]],
    [5, [9]],
    // strips of four: two, three and four of the last one are there
    [8, [6, 7, 8]],
  ] as const)
    for (const width of widths)
      for (const isResidual of [false, true]) {
        const { wrong, joined } = await verify(kept, depthwiseModel(channels, width, isResidual), 16);
        if (wrong.length > 0 || !joined) found[`${channels} channels, ${width} wide, ${isResidual}`] = wrong;
      }
  expect(found).toEqual({});
});

const GENERATED = LONG ? 3000 : 30;

test(`${GENERATED} generated graphs of dynamic quantization: GPU, host and onnxruntime-web give the same bits`, async ({
  kept,
}) => {
  const result = await kept.evaluate(async (count) => {
    type Run = typeof import('../harness/cases/graphs/run_graphs.ts');
    const { runGraphs } = (await import('/harness/cases/graphs/run_graphs.ts' as string)) as Run;
    type Oracle = typeof import('../harness/oracles/onnxruntime_web.ts');
    const { runOnnxruntimeWeb } = (await import('/harness/oracles/onnxruntime_web.ts' as string)) as Oracle;
    type Device = typeof import('./kept_device.ts');
    const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
    return runGraphs(6, 0, count, runOnnxruntimeWeb, { device: await keptDevice(), kind: 'dynamic' });
  }, GENERATED);
  expect(result.failures.map(({ id, between, what }) => `${id}: ${between}: ${what}`)).toEqual([]);
  expect(result.onGpu).toBe(result.equal);
  expect(result.equal).toBeGreaterThan(GENERATED / 2);
});

test('every float32 operator where its values are decided, by the float32 of the device and by integers', async ({
  kept,
}) => {
  const { wrong, compared } = await kept.evaluate(async (long) => {
    type Small = typeof import('../tests/helpers/float_operators.ts');
    const { SMALL_GRAPHS } = (await import('/tests/helpers/float_operators.ts' as string)) as Small;
    type Run = typeof import('../harness/cases/graphs/run_graphs.ts');
    const { compareGraph } = (await import('/harness/cases/graphs/run_graphs.ts' as string)) as Run;
    type Writer = typeof import('../models/onnx_writer.ts');
    const { writeOnnx } = (await import('/models/onnx_writer.ts' as string)) as Writer;
    type Oracle = typeof import('../harness/oracles/onnxruntime_web.ts');
    const { runOnnxruntimeWeb } = (await import('/harness/oracles/onnxruntime_web.ts' as string)) as Oracle;
    type Library = typeof import('../src/index.ts');
    const { Tensor } = (await import('/src/index.ts' as string)) as Library;
    type Gpu = typeof import('../src/gpu/device.ts');
    const { featuresOf } = (await import('/src/gpu/device.ts' as string)) as Gpu;
    type Device = typeof import('./kept_device.ts');
    const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
    const device = await keptDevice();
    const wrong: string[] = [];
    let compared = 0;
    for (const [i, { what, model, values }] of SMALL_GRAPHS.entries())
      for (const float32 of long || i % 3 === 0 ? [true, false] : [true]) {
        const dims = model.inputs[0]!.dims as readonly number[];
        const feeds = { x: new Tensor('float32', Float32Array.from(values), dims) };
        const features = { ...(await featuresOf(device)), float32 };
        const verdict = await compareGraph(writeOnnx(model), feeds, runOnnxruntimeWeb, { device, features });
        if (verdict.kind === 'equal') compared++;
        else wrong.push(`${what}: ${JSON.stringify(verdict)}`);
      }
    return { wrong, compared };
  }, LONG);
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(100);
});

test('float32 arithmetic by integers is IEEE arithmetic, ties, subnormals, infinities and NaN included', async ({
  kept,
}) => {
  const isExact = await kept.evaluate(async () => {
    type Probe = typeof import('../src/gpu/probe.ts');
    const { computesFloat32 } = (await import('/src/gpu/probe.ts' as string)) as Probe;
    type Device = typeof import('./kept_device.ts');
    const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as Device;
    const device = await keptDevice();
    return { integers: await computesFloat32(device, 'integers'), native: await computesFloat32(device, 'native') };
  });
  expect(isExact.integers).toBe(true);
  // what every implementation that is tested here has
  expect(isExact.native).toBe(true);
});
