import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { generateCase } from '../harness/cases/generate.ts';
import { writeNpy } from '../harness/numpy/npy.ts';
import { writeFloatModel } from '../models/float_model.ts';
import { foldNetwork, type Network } from '../models/network.ts';
import { SeededLayers } from '../models/networks/seeded.ts';
import { readNsfwjs } from '../models/nsfwjs/keras.ts';
import { Random } from '../models/random.ts';
import { LONG } from '../tests/helpers/long.ts';
import { emulatedPython, type Processor } from './emulated.ts';
import { expect, test } from './gpu.ts';
import { PythonOnnxruntime } from './onnxruntime/engine.ts';
import { casesAtBoundaries, expectGraphsEqual, expectHostEqual, expectTensorsEqual } from './onnxruntime/equal.ts';
import { pythonWith, QUANTIZER } from './python.ts';

const ENGINES: readonly (readonly [engine: string, processor: Processor])[] = [
  ['onnxruntime-arm64', 'neoverse-n1'],
  ['onnxruntime-arm64-nodot', 'cortex-a72'],
];

const CASES = LONG ? 500 : 60;
const CASES_AT_BOUNDARIES = LONG ? 500 : 72;
const GRAPHS = LONG ? 600 : 60;

// one after the other: an emulated Python takes seconds to start
test.describe.configure({ mode: 'default' });

let emulated: string;

test.beforeAll(() => {
  const python = emulatedPython();
  test.skip(python === undefined, 'needs onnxruntime on emulated ARM processors: tests/emulated/setup.sh');
  emulated = python!;
});

for (const [name, processor] of ENGINES)
  test.describe(`${name}, on an emulated ${processor}`, () => {
    let engine: PythonOnnxruntime;
    test.beforeAll(() => void (engine = new PythonOnnxruntime(emulated, processor)));
    test.afterAll(() => engine?.close());

    test(`${CASES} generated operators, and ${CASES_AT_BOUNDARIES} where it steps: the host equals onnxruntime`, async () => {
      await expectHostEqual(
        engine,
        Array.from({ length: CASES }, (_, index) => generateCase(name, 1, index)),
      );
      await expectHostEqual(engine, casesAtBoundaries(name, CASES_AT_BOUNDARIES));
    });

    test(`${GRAPHS} generated graphs: the host equals onnxruntime`, ({ gpu }) =>
      expectGraphsEqual(gpu, engine, name, GRAPHS));
  });

/** Layers in a row: kernels of every kind. */
function chain(): Network {
  const net = new SeededLayers(3, 'input', 3);
  let x = net.conv('first', 'input', 16, { kernel: 3, stride: 2, activation: 'relu' });
  x = net.conv('depthwise', x, 16, { kernel: 3, depthwise: true, activation: 'relu6' });
  x = net.conv('wide', x, 64);
  x = net.conv('deep', x, 64, { kernel: 3, activation: 'relu' });
  x = net.add({ kind: 'average', name: 'average', inputs: [x] });
  x = net.add({ kind: 'flatten', name: 'flatten', inputs: [x] });
  net.dense('classifier', x, 10);
  return { name: 'chain', layers: net.layers, classes: 10, input: { size: 32, range: [0, 1] } };
}

/** Shortcuts around layers: tensors with two users. */
function residual(): Network {
  const net = new SeededLayers(4, 'input', 3);
  let x = net.conv('first', 'input', 24, { kernel: 3, activation: 'relu' });
  for (const block of ['a', 'b', 'c']) {
    const inner = net.conv(`${block}.first`, x, 24, { kernel: 3, activation: 'relu' });
    const outer = net.conv(`${block}.second`, inner, 24, { kernel: 3 });
    x = net.add({ kind: 'add', name: `${block}.add`, inputs: [x, outer], activation: 'relu' });
  }
  x = net.add({ kind: 'average', name: 'average', inputs: [x] });
  x = net.add({ kind: 'flatten', name: 'flatten', inputs: [x] });
  net.dense('classifier', x, 10);
  return { name: 'residual', layers: net.layers, classes: 10, input: { size: 24, range: [0, 1] } };
}

const NETWORKS: readonly (() => Network | Promise<Network>)[] = [
  chain,
  residual,
  async () => foldNetwork(await readNsfwjs('mobilenet_v2'), 'mobilenet_v2', LONG ? 224 : 96),
];

test.describe("quantize_static's defaults, int8 by int8 between Q and DQ", () => {
  let engine: PythonOnnxruntime;
  let quantizer: string;
  test.beforeAll(() => {
    const python = pythonWith(QUANTIZER);
    test.skip(python === undefined, 'needs a Python with onnxruntime and onnx');
    quantizer = python!;
    engine = new PythonOnnxruntime(emulated, 'neoverse-n1');
  });
  test.afterAll(() => engine?.close());

  for (const build of NETWORKS)
    test(`${build.name || 'mobilenet_v2'}: every tensor on the GPU and on the host equals onnxruntime`, async ({
      baseURL: _,
    }, info) => {
      const network = await build();
      const [float, calibration, quantized] = ['float.onnx', 'inputs.npy', 'quantized.onnx'].map((file) =>
        info.outputPath(file),
      ) as [string, string, string];
      const { size } = network.input;
      const random = new Random(5);
      const data = Float32Array.from({ length: 4 * 3 * size * size }, () => random.unit());
      writeFileSync(float, writeFloatModel(network));
      writeFileSync(calibration, writeNpy({ shape: [4, 3, size, size], data }));
      const args = ['e2e/onnxruntime/quantize.py', float, calibration, quantized];
      const { status, stderr } = spawnSync(quantizer, args, { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
      await expectTensorsEqual(engine, 'onnxruntime-arm64', readFileSync(quantized), info);
    });
});
