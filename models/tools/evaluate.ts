import * as ort from 'onnxruntime-web';
import { preprocess } from '../../src/recipes.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import { INPUT } from '../network.ts';

/** A single thread: results must not depend on the machine. */
ort.env.wasm.numThreads = 1;

/** Every output of a model by name, for one picture. */
export type Run = (picture: Picture) => Promise<Readonly<Record<string, Float32Array>>>;

/** Loads a model with float32 `input` and outputs into onnxruntime-web; pictures are prepared as nsfwjs does. */
export async function loadModel(bytes: Uint8Array): Promise<Run> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return async (picture) => {
    const { data, dims } = preprocess(picture, 'nsfwjs', { name: INPUT, type: 'float32', shape: [1, 3, 224, 224] });
    const results = await session.run({ [INPUT]: new ort.Tensor('float32', data as Float32Array, dims) });
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  };
}

export function softmax(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

export function largestDifference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
