import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { exact8 } from './command.ts';
import { findPython } from './python.ts';

/** torchvision without its dependencies, which would be another PyTorch. */
const PYTORCH = {
  environment: 'node_modules/.cache/pytorch',
  imports: 'torch, numpy',
  install: [
    ['torch==2.13.0', 'numpy', 'pillow'],
    ['--no-deps', 'torchvision==0.28.0'],
  ],
};

/** Without AVX-512 VNNI, fbgemm (and x86, which is fbgemm there) saturates in every layer, and onednn is no engine that exact8 knows. */
const VNNI = existsSync('/proc/cpuinfo') && / avx512_vnni( |$)/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
const semanticsOf = (engine: string): string => (VNNI || engine === 'qnnpack' ? engine : 'fbgemm-avx2');

test('a trace that the example records from a real PyTorch equals exact8: widths 0.35 and 1.4, two engines each', async ({
  baseURL: _,
}, info) => {
  test.setTimeout(900_000);
  const python = findPython(PYTORCH);
  test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
  const folder = info.outputPath('models');
  mkdirSync(folder, { recursive: true });
  const python3 = (...args: string[]): void => {
    const { status, stderr } = spawnSync(python!, args, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  };
  python3('e2e/pytorch/make_models.py', folder);
  for (const [width, made, engines] of [
    ['0.35', 'qnnpack', ['qnnpack']],
    ['0.35', 'x86', VNNI ? ['x86', 'onednn'] : ['x86']],
    ['1.4', 'qnnpack', ['qnnpack']],
    ['1.4', 'x86', ['x86', 'fbgemm']],
  ] as const)
    for (const engine of engines) {
      const model = join(folder, `${width}_${made}.pth`);
      const trace = join(folder, `${width}_${engine}.npz`);
      const args = [model, join(folder, 'input.npy'), trace, '--engine', engine, '--width', width];
      python3('e2e/pytorch/record.py', 'examples/pytorch/record_trace.py', ...args);
      const result = await exact8([
        'verify',
        '--model',
        model,
        '--against',
        trace,
        '--semantics',
        semanticsOf(engine),
        '--each-layer',
        '--json',
      ]);
      expect(result.code, `${width} ${engine}: ${result.stderr}`).toBe(0);
      expect(JSON.parse(result.stdout)).toMatchObject({ mismatches: 0, endToEnd: { mismatches: 0 } });
    }
});
