import { resolve } from 'node:path';

const NATIVE = ['fbgemm', 'onednn', 'x86'].flatMap((engine) =>
  ['add', 'adaptive_avg_pool'].map((operator) => [engine, `native_${operator}`] as const),
);

/** Files of operators whose values lie at rounding ties, recorded from real engines, and the engines that they are of. */
export const ADVERSARIAL: readonly (readonly [engine: string, name: string])[] = [
  ...['conv', 'linear', 'add', 'adaptive_avg_pool'].map((operator) => ['qnnpack', `qnnpack_${operator}`] as const),
  ...['fbgemm_avx2', 'onednn_avx2', 'x86_avx2'].flatMap((engine) =>
    ['conv', 'linear'].map((operator) => [engine.replace('_', '-'), `${engine}_${operator}`] as const),
  ),
  ...NATIVE,
  ['onnxruntime', 'onnxruntime_add'],
  ['onnxruntime', 'onnxruntime_mul'],
  ['onnxruntime-x64', 'onnxruntime_x64_add'],
  ['onnxruntime-x64', 'onnxruntime_x64_mul'],
  ...['add', 'mul', 'avx2_conv'].map((operator) => ['onnxruntime-x64-avx2', `onnxruntime_x64_${operator}`] as const),
];

/** What the files do not say: linear layers stand there as convolutions of one pixel. */
export const operatorOf = (name: string): string => (name.endsWith('_linear') ? 'linear' : '');

export const adversarialFile = (name: string): string => resolve(`../shared/goldens/operators/adversarial_${name}.npz`);
