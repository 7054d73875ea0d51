import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { ortFolder } from '../../../harness/chrome/ort_folder.ts';
import { runOnnxruntimeWeb } from '../../../harness/oracles/onnxruntime_web.ts';
import { wholeOnnx } from '../../../harness/oracles/whole_onnx.ts';
import { withExternalWeight } from '../../../tests/helpers/external_weight.ts';
import { OnnxNetwork } from '../../../tests/helpers/onnx_network.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';
import { Tensor } from '../../tensor.ts';
import { readModel } from '../index.ts';

beforeAll(() => {
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
});

/** A model that ends in an operator that is not supported. */
function network() {
  const made = new OnnxNetwork();
  const x = made.input(new Tensor('uint8', Uint8Array.of(3, 200, 0, 255, 90, 17), [1, 2, 1, 3]));
  const real = made.op('LeakyRelu', [made.dequantize(x, 0.1, 100)]);
  const bytes = made.quantize(real, 0.07, 9);
  made.output(made.op('LpNormalization', [made.dequantize(bytes, 0.07, 9)]), 'float32');
  return { made, real, bytes };
}

describe('a model that ends at other tensors', () => {
  it('is what onnxruntime-web makes of the file with these outputs', async () => {
    const { made, bytes, real } = network();
    const file = made.bytes();
    expect(() => readModel(file)).toThrow('LpNormalization');
    const outputs = [bytes, real];
    const trace = referenceTrace(createPlan(readModel(file, { outputs })), made.feeds);
    expect(Object.keys(trace.outputs)).toEqual(expect.arrayContaining(outputs));
    expect(trace.outputs).toEqual(await runOnnxruntimeWeb(wholeOnnx(file, outputs, {}), made.feeds));
  });

  it('ends at tensors that it computes', () => {
    expect(() => readModel(network().made.bytes(), { outputs: ['nothing'] })).toThrow(
      /the model computes no tensor 'nothing'; it computes .*, /,
    );
  });
});

describe('weights in another file', () => {
  const externalData = { 'weights.bin': Uint8Array.of(1, 2, 30, 40, 5) };

  it('are those bytes of it', async () => {
    const file = withExternalWeight({ location: 'weights.bin', offset: '2', length: '2' });
    const { constants } = readModel(file, { externalData });
    expect(constants.get('w')!.data).toEqual(Uint8Array.of(30, 40));
    const feeds = { input0: new Tensor('uint8', Uint8Array.of(3, 200), [2]) };
    const { outputs } = referenceTrace(createPlan(readModel(file, { externalData })), feeds);
    expect(outputs).toEqual(await runOnnxruntimeWeb(wholeOnnx(file, undefined, externalData), feeds));
  });

  it.each([
    [{ location: 'other.bin' }, "tensor 'w' keeps its data in another file ('other.bin'), which is not given"],
    [{ location: 'toString' }, "('toString'), which is not given"],
    [{ location: 'weights.bin', offset: '4', length: '2' }, "is bytes 4 to 6 of 'weights.bin', which has 5"],
    [{ location: 'weights.bin', offset: '-1', length: '2' }, 'is bytes -1 to 1'],
    [{ location: 'weights.bin', offset: '3', length: '-2' }, 'is bytes 3 to 1'],
    [{ location: 'weights.bin', length: '1' }, 'holds 1 elements, not 2'],
  ])('%j is refused', (location, message) => {
    expect(() => readModel(withExternalWeight(location as Record<string, string>), { externalData })).toThrow(message);
  });
});
