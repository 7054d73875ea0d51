import { spawnSync } from 'node:child_process';
import { chosen } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { expect, test } from './gpu.ts';
import { pythonWith, QUANTIZER } from './python.ts';

/** Patterns of published CNNs, quantized by onnxruntime's own quantizer, against onnxruntime-web: tests/helpers/patterns.py. */
const PATTERNS = chosen(
  ['conv_transpose', 'prelu', 'reduce_max', 'resize_linear', 'silu'],
  [
    ...['add_channel_constant', 'mul_channel_constant', 'average_pool', 'average_pool_padding_counted'],
    ...['channel_shuffle', 'concat', 'split_concat', 'depth_to_space', 'feature_pyramid', 'ssd_head', 'yolo_focus'],
    ...['gelu', 'hard_swish', 'instance_norm', 'leaky_relu', 'batch_norm', 'tanh', 'sigmoid_gate', 'matmul_add'],
    ...['max_pool', 'normalize_in_graph', 'pad_conv', 'reduce_mean', 'relu6', 'resize_nearest', 'softmax_end'],
    ...['sub', 'residual_block', 'plain_chain'],
  ],
);

interface Row {
  readonly model: string;
  readonly mismatches?: number;
  readonly refused?: string;
}

test(`${PATTERNS.length} patterns by three ways of quantize_static, and by quantize_dynamic: every tensor`, async () => {
  test.setTimeout(600_000);
  const python = pythonWith(QUANTIZER);
  test.skip(python === undefined, 'needs a Python with onnxruntime and onnx');
  const folder = test.info().outputDir;
  const { status, stderr } = spawnSync(python!, ['tests/helpers/patterns.py', folder, ...PATTERNS]);
  expect(status, String(stderr)).toBe(0);
  const result = await exact8(['verify', '--models', folder, '--json']);
  expect(result.code, result.stderr).toBe(0);
  const rows = JSON.parse(result.stdout).models as Row[];
  expect(rows).toHaveLength(4 * PATTERNS.length);
  const others = rows.filter(({ mismatches }) => mismatches !== 0);
  expect(others).toEqual([]);
});
