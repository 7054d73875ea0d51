import { existsSync, readFileSync } from 'node:fs';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { defaultModel } from '../models/index.ts';
import { Tensor } from '../src/tensor.ts';
import { LONG } from '../tests/helpers/long.ts';
import { OnnxNetwork } from '../tests/helpers/onnx_network.ts';
import { test } from './gpu.ts';
import { PythonOnnxruntime } from './onnxruntime/engine.ts';
import { casesAtBoundaries, expectCasesEqual, expectHostEqual, expectTensorsEqual } from './onnxruntime/equal.ts';
import { ONNXRUNTIME, pythonWith } from './python.ts';

/** The engine that onnxruntime is on this processor, as `exact8 engines --mine` says. */
const { processor } = detectProcessor();
const ENGINE = (processor && engineOn('onnxruntime', processor)) ?? '';

const CASES = LONG ? 72 : 36;
const CASES_AT_BOUNDARIES = 120;

let engine: PythonOnnxruntime;

test.beforeAll(() => {
  test.skip(ENGINE === '', `needs a processor on which onnxruntime is known, not ${processor}`);
  const python = pythonWith(ONNXRUNTIME);
  test.skip(python === undefined, 'needs a Python with onnxruntime');
  engine = new PythonOnnxruntime(python!);
});

test.afterAll(() => engine?.close());

test(`${CASES} generated cases: GPU, host and Python's onnxruntime give the same bits`, ({ gpu }) =>
  expectCasesEqual(gpu, engine, ENGINE, CASES));

test(`${CASES_AT_BOUNDARIES} operators where the engine steps: the host equals Python's onnxruntime`, () =>
  expectHostEqual(engine, casesAtBoundaries(ENGINE, CASES_AT_BOUNDARIES)));

/** Float functions of one 8-bit tensor, which this engine computes with fused multiply-adds: each an output. */
function functions(): Uint8Array {
  const network = new OnnxNetwork(14);
  const x = network.dequantize(network.input(new Tensor('uint8', new Uint8Array(4096), [1, 4, 32, 32])), 0.041, 131);
  const plus3 = network.op('Add', [x, network.float(3)]);
  const gate = network.op('Clip', [plus3, network.float(0), network.float(6)]);
  for (const real of [
    network.op('HardSwish', [x]),
    network.op('Sigmoid', [x]),
    network.op('Mul', [x, network.op('Sigmoid', [x])]),
    network.op('Div', [network.op('Mul', [x, gate]), network.float(6)]),
  ])
    network.output(network.quantize(real, 0.023, 17));
  return network.bytes();
}

const MOBILENET_V1 = '../shared/models/imagenet_mobilenetv1_025_128_u8.qlinear.onnx';

const MODELS: [name: string, model: () => Uint8Array | Promise<Uint8Array>][] = [
  ['functions of one tensor', functions],
  ['the default model', defaultModel],
  ['imagenet_mobilenetv1_025_128_u8', () => readFileSync(MOBILENET_V1)],
];

for (const [name, bytes] of MODELS)
  test(`${name}: every tensor on the GPU and on the host equals Python's onnxruntime`, async ({ baseURL: _ }, info) => {
    test.skip(name.startsWith('imagenet') && !existsSync(MOBILENET_V1), 'needs ../shared');
    await expectTensorsEqual(engine, ENGINE, await bytes(), info);
  });
