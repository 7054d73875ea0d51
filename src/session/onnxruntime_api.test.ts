import { expect, it } from 'vitest';
import type * as ort from 'onnxruntime-web';
import { Tensor as OrtTensor } from 'onnxruntime-web';
import { InferenceSession, Tensor, type RunOptions, type SessionOptions } from '../index.ts';
import type { ElementType } from '../graph/graph.ts';

/** What there is in onnxruntime-common and not here. Types alone are tested: a difference is a type error. */
type Missing<Theirs, Ours> = Exclude<keyof Theirs, keyof Ours>;
const none = <Difference extends never>(...differences: Difference[]): number => differences.length;

/** Options of other providers, and those that a session refuses by name: it could not do what they ask for. */
type Refused = 'enableProfiling' | 'profileFilePrefix' | 'optimizedModelFilePath' | 'extra';

it('has every member of onnxruntime-common', () => {
  expect(
    none<Missing<ort.InferenceSession, InferenceSession>>() +
      none<Missing<ort.InferenceSessionFactory, typeof InferenceSession>>() +
      none<Missing<ort.Tensor, Tensor>>() +
      none<Missing<ort.TensorConstructor, typeof Tensor>>() +
      none<Exclude<Missing<ort.InferenceSession.SessionOptions, SessionOptions>, Refused>>() +
      none<Exclude<Missing<ort.InferenceSession.RunOptions, RunOptions>, 'terminate' | 'extra'>>() +
      none<Missing<ort.InferenceSession.TensorValueMetadata, InferenceSession['inputMetadata'][number]>>(),
  ).toBe(0);
});

it('can be used where one of onnxruntime-common is wanted', () => {
  const uses = (
    session: InferenceSession,
    tensor: Tensor<'float32'>,
    all: Tensor,
    theirs: ort.Tensor,
  ): readonly unknown[] => {
    const asTensor: ort.TypedTensor<'float32'> = tensor;
    const asAnyTensor: ort.Tensor = all;
    const asSession: ort.InferenceSession = session;
    const factory: ort.InferenceSessionFactory = InferenceSession;
    // and the other way round
    return [asTensor, asAnyTensor, asSession, factory, () => session.run({ x: theirs }, ['y'], { tag: 'a' })];
  };
  expect(uses).toBeTypeOf('function');
});

it('infers the type of a tensor as onnxruntime-common does', () => {
  const inferred = [
    new Tensor(new Float32Array(2)) satisfies Tensor<'float32'>,
    new Tensor(new Uint8ClampedArray(2)) satisfies Tensor<'uint8'>,
    new Tensor(new Int8Array(2), [1, 2]) satisfies Tensor<'int8'>,
    new Tensor('int64', [1, 2]) satisfies Tensor<'int64'>,
    new Tensor('int32', [1, 2], [2, 1]) satisfies Tensor<'int32'>,
  ];
  for (const tensor of inferred) {
    const theirs = new OrtTensor(tensor.type, tensor.data as Float32Array, tensor.dims);
    for (const member of ['type', 'dims', 'data', 'size', 'location'] as const)
      expect(tensor[member]).toEqual(theirs[member]);
  }
});

it('refuses numbers that are no values of a type, where onnxruntime wraps them', async () => {
  const made = (type: string, values: readonly unknown[]) => new Tensor(type as ElementType, values as number[]);
  expect(made('int8', [-128, 127]).data).toEqual(Int8Array.of(-128, 127));
  expect(made('int64', [1n, 2 ** 53 - 1]).data).toEqual(BigInt64Array.of(1n, 2n ** 53n - 1n));
  expect(() => made('uint8', [0, 256])).toThrow('element 1 is 256, which is no value of uint8');
  expect(() => made('int32', [1.5])).toThrow('element 0 is 1.5, which is no value of int32');
  expect(() => made('int64', [2 ** 53])).toThrow('no value of int64');
  expect(() => made('float16', [1])).toThrow("got 'float16' as type");
  const tensor = made('float32', [1, 2, 3, 4]);
  expect(tensor.reshape([2, 2]).dims).toEqual([2, 2]);
  expect(() => tensor.reshape([3])).toThrow('dims [3] do not describe 4 elements');
  expect(() => tensor.gpuBuffer).toThrow('its elements are on the host');
  expect(await tensor.getData()).toBe(tensor.data);
  tensor.dispose();
  expect(tensor.location).toBe('none');
  expect(() => tensor.data).toThrow('disposed of');
  await expect(tensor.getData()).rejects.toThrow('disposed of');
});
