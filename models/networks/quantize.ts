import * as ort from 'onnxruntime-web/wasm';
import { writeFloatModel } from '../float_model.ts';
import { writeInt8Model, type Ranges } from '../int8_model.ts';
import { INPUT, type Network } from '../network.ts';
import { writeQdqModel } from '../qdq_model.ts';
import type { Form } from './index.ts';

/**
 * The [smallest, largest] value of every layer's output: what the network gives in float32, in onnxruntime-web, on
 * these pictures.
 *
 * @param pictures NCHW, one each, in the range that the network takes
 */
export async function measureRanges(network: Network, pictures: readonly Float32Array[]): Promise<Ranges> {
  const names = network.layers.map(({ name }) => name);
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(writeFloatModel(network, names), { executionProviders: ['wasm'] });
  const ranges: Record<string, [number, number]> = {};
  try {
    const { size } = network.input;
    for (const picture of pictures) {
      const outputs = await session.run({ [INPUT]: new ort.Tensor('float32', picture, [1, 3, size, size]) }, names);
      for (const name of names) {
        let [low, high] = ranges[name] ?? [0, 0];
        for (const value of outputs[name]!.data as Float32Array) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
        ranges[name] = [low, high];
      }
    }
    return ranges;
  } finally {
    await session.release();
  }
}

/** @throws InvalidModelError, UnsupportedModelError where the network has no such form */
export function writeNetwork(
  network: Network,
  ranges: Ranges,
  form: Form,
  description: string,
): Uint8Array<ArrayBuffer> {
  return (form === 'qdq' ? writeQdqModel : writeInt8Model)(network, ranges, description);
}
