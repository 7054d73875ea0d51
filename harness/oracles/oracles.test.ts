import { pathToFileURL } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { ortFolder } from '../chrome/ort_folder.ts';
import { computedTensors } from '../compare/verify.ts';
import { createOnnxruntimeWeb } from './onnxruntime_web.ts';
import { watchOutputs } from './watch_outputs.ts';
import { defaultModel } from '../../models/index.ts';
import { writeOnnx, type OnnxNode, type OnnxTensor } from '../../models/onnx_writer.ts';
import { readModel } from '../../src/formats/index.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { onnxruntime } from '../../src/engines/onnxruntime.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { Tensor } from '../../src/tensor.ts';

describe('watchOutputs', () => {
  it('appends graph outputs with their types, and leaves the file as it is', () => {
    const model = Uint8Array.of(8, 7);
    const watched = watchOutputs(model, [{ name: 'é', type: 'uint8' }]);
    expect(watched.subarray(0, 2)).toEqual(model);
    const field = (reader: BinaryReader, number: number): BinaryReader => {
      expect(reader.tag()[0]).toBe(number);
      return new BinaryReader(reader.bytes());
    };
    const valueInfo = field(field(new BinaryReader(watched.subarray(2)), 7), 12);
    expect(valueInfo.tag()[0]).toBe(1);
    expect(valueInfo.string()).toBe('é');
    const tensorType = field(field(valueInfo, 2), 1);
    expect([tensorType.tag()[0], tensorType.int32()]).toEqual([1, 2]);
  });
});

/** DequantizeLinear, Conv, QuantizeLinear, with S near 1/2: half of the outputs are ties, where a float Conv strays. */
function quantizedConvolution(): Uint8Array {
  const constant = (name: string, data: OnnxTensor['data'], dims: readonly number[] = []): OnnxTensor => ({
    name,
    dims,
    data,
  });
  const node = (op: string, inputs: string[], output: string): OnnxNode => ({
    name: output,
    op,
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  return writeOnnx({
    name: 'qdq',
    description: '',
    inputs: [{ name: 'x', type: 'uint8', dims: [1, 8, 6, 6] }],
    outputs: [{ name: 'y', type: 'uint8', dims: [1, 4, 4, 4] }],
    nodes: [
      node('DequantizeLinear', ['x', 'sx', 'zero'], 'real'),
      node('DequantizeLinear', ['w', 'sw', 'zw'], 'weights'),
      node('Conv', ['real', 'weights'], 'convolved'),
      node('QuantizeLinear', ['convolved', 'sy', 'middle'], 'y'),
    ],
    constants: [
      constant('sx', Float32Array.of(0.1)),
      constant('zero', Uint8Array.of(0)),
      constant(
        'w',
        Int8Array.from({ length: 4 * 8 * 9 }, (_, i) => ((i * 11) % 7) - 3),
        [4, 8, 3, 3],
      ),
      constant('sw', Float32Array.of(0.1)),
      constant('zw', Int8Array.of(0)),
      constant('sy', Float32Array.of(0.02)),
      constant('middle', Uint8Array.of(128)),
    ],
  });
}

/** Float input and output, and int8 tensors in between, as onnxruntime's quantizer writes them by default. */
function signedConvolution(): Uint8Array {
  const node = (op: string, inputs: string, output: string): OnnxNode => ({
    name: output,
    op,
    domain: '',
    inputs: inputs.split(' '),
    outputs: [output],
    attributes: {},
  });
  const weights = Int8Array.from({ length: 4 * 8 }, (_, i) => ((i * 11) % 7) - 3);
  return writeOnnx({
    name: 'signed',
    description: '',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 8, 6, 6] }],
    outputs: [{ name: 'y', type: 'float32' }],
    nodes: [
      node('QuantizeLinear', 'x s z', 'x_q'),
      node('DequantizeLinear', 'x_q s z', 'x_r'),
      node('DequantizeLinear', 'w s z', 'w_r'),
      node('Conv', 'x_r w_r', 'c'),
      node('QuantizeLinear', 'c s z', 'y_q'),
      node('DequantizeLinear', 'y_q s z', 'y'),
    ],
    constants: [
      { name: 's', dims: [], data: Float32Array.of(0.1) },
      { name: 'z', dims: [], data: Int8Array.of(3) },
      { name: 'w', dims: [4, 8, 1, 1], data: weights },
    ],
  });
}

describe('onnxruntime-web as an oracle', () => {
  let model: Uint8Array;
  const feeds = {
    input: new Tensor(
      'float32',
      Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => (i % 251) / 251),
      [1, 3, 224, 224],
    ),
  };

  beforeAll(async () => {
    ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
    model = await defaultModel();
  });

  it('gives every tensor of a plan, undisturbed', async () => {
    const { nodes, tensors } = createPlan(readModel(model)).graph;
    const names = nodes.flatMap(({ outputs }) => outputs);
    const oracle = await createOnnxruntimeWeb(
      model,
      [...names, 'not.in.the.file'].map((name) => ({ name, type: tensors.get(name)?.type ?? 'uint8' })),
    );
    const result = await oracle.run(feeds);
    expect(Object.keys(result.tensors)).toEqual(names);
    for (const name of names) expect(result.tensors[name]!.dims).toEqual(tensors.get(name)!.shape);
    expect(Object.keys(result.outputs)).toEqual(['logits']);
    await oracle.release();
  }, 60_000);

  it('watches int8 tensors as the uint8 that they become', async () => {
    const model = signedConvolution();
    const { graph } = createPlan(readModel(model));
    const oracle = await createOnnxruntimeWeb(model, computedTensors(graph));
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: 8 * 36 }, (_, i) => ((i * 37) % 256) / 10 - 12),
      [1, 8, 6, 6],
    );
    const result = await oracle.run({ x });
    expect(result).not.toHaveProperty('disturbed');
    expect(Object.entries(result.tensors).map(([name, { type }]) => [name, type])).toEqual([
      ['x_q', 'uint8'],
      ['y_q', 'uint8'],
      ['y', 'float32'],
    ]);
    for (const { name, data } of referenceTrace({ graph, engine: onnxruntime }, { x }).tensors)
      if (name !== 'x') expect(result.tensors[name]!.data, name).toEqual(data);
    await oracle.release();
  });

  it('notices when watching undoes a fusion', async () => {
    const qdq = quantizedConvolution();
    const x = new Tensor(
      'uint8',
      Uint8Array.from({ length: 8 * 36 }, (_, i) => (i * 37) % 256),
      [1, 8, 6, 6],
    );
    const sound = await createOnnxruntimeWeb(qdq, [{ name: 'y', type: 'uint8' }]);
    const disturbed = await createOnnxruntimeWeb(qdq, [{ name: 'convolved', type: 'float32' }]);
    expect((await sound.run({ x })).tensors).toHaveProperty('y');
    const untouched = await sound.run({ x });
    expect(untouched).not.toHaveProperty('disturbed');
    expect(await disturbed.run({ x })).toEqual({
      outputs: untouched.outputs,
      tensors: {},
      disturbed: "onnxruntime-web computes another y when 1 of the model's tensors are watched",
    });
    await sound.release();
    await disturbed.release();
  });

  it('refuses what onnxruntime-web does not take', async () => {
    await expect(createOnnxruntimeWeb(new TextEncoder().encode('hello'), [])).rejects.toThrow(
      'does not take the model',
    );
  });
});
