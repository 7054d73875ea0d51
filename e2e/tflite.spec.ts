import { existsSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import { chosen } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';

/** The uint8 models have 8-bit tensors alone; the last is quantized once more at its ends. */
const TRACES = chosen<readonly [model: string, engine: string, trace: string, tensors: number]>(
  [
    ['mobilenetv1_025_128_u8', 'tflite', 'reference_mobilenetv1_u8_trace_chelsea', 31],
    ['mobilenetv1_025_128_u8', 'tflite-builtin', 'builtin_mobilenetv1_u8_trace_chelsea', 31],
    ['mobilenetv2_i8_per_channel', 'xnnpack', 'xnnpack_i8_per_channel_trace_cat_720p', 68],
  ],
  [
    ['mobilenetv2_u8', 'tflite', 'reference_u8_trace_cat_720p', 66],
    ['mobilenetv2_i8_per_channel', 'tflite-builtin', 'builtin_i8_per_channel_trace_cat_720p', 68],
  ],
);

test.describe('needs ../shared: traces of real TensorFlow Lite', () => {
  test.skip(!existsSync('../shared/goldens'), 'needs ../shared');
  test.describe.configure({ timeout: 240_000 });

  for (const [model, engine, trace, tensors] of TRACES)
    test(`${trace} equals ${engine}, end to end and layer by layer`, async () => {
      const { code, stdout, stderr } = await exact8([
        ...['verify', '--json', '--model', `../shared/models/imagenet_${model}.tflite`, '--engine', engine],
        ...['--against', `../shared/goldens/tflite_${trace}.npz`, '--each-layer'],
      ]);
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ mode: 'teacher-forced', mismatches: 0, endToEnd: { mismatches: 0 }, missing: [] });
      expect(report.tensors).toHaveLength(tensors);
    });

  for (const set of ['reference', 'builtin', 'xnnpack'])
    test(`the engine of the ${set} kernels is named`, async () => {
      const { code, stdout } = await exact8([
        ...['identify', '--json', '--model', '../shared/models/imagenet_mobilenetv1_025_128_u8.tflite'],
        ...['--against', `../shared/goldens/tflite_${set}_mobilenetv1_u8_trace_chelsea.npz`],
      ]);
      expect(code).toBe(0);
      // which of several it is, this network cannot tell
      const names = {
        reference: ['tflite', 'gemmlowp'],
        builtin: ['tflite-builtin'],
        xnnpack: ['xnnpack', 'xnnpack-arm64', 'tfjs-tflite'],
      }[set];
      expect(JSON.parse(stdout).identified).toEqual(names);
    });
});
