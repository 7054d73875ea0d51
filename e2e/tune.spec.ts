import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import type { TuningFile } from '../harness/tune/file.ts';
import { exact8 } from './command.ts';
import { faultsOfReport } from './looked_at.ts';
import { plant } from './plant.ts';
import { smallModel } from '../tests/helpers/small_model.ts';

test.describe.configure({ timeout: 180_000 });

async function smallFile(): Promise<string> {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  const path = join(outputDir, 'small.onnx');
  writeFileSync(path, await smallModel());
  return path;
}

const read = (path: string): TuningFile => JSON.parse(readFileSync(path, 'utf8')) as TuningFile;

test('tune refuses a variant that is wrong, names it, and exits with 1', async () => {
  const right = 'group) * w;';
  const planted = plant(right, right.replace('w;', '(w + 1);'));

  const out = test.info().outputPath('profile.json');
  const args = ['--model', await smallFile(), '--out', out, '--time-limit', '120', '--json'];
  const result = await exact8(['tune', ...args], {}, planted);
  expect(result.code, result.stderr).toBe(1);
  expect(result.stderr).toMatch(/REFUSED: depthwise gives \d+ wrong values in depthwise/);
  const { refused } = JSON.parse(result.stdout) as { refused: string[] };
  expect(refused).toEqual([expect.stringMatching(/^depthwise gives \d+ wrong values in depthwise/)]);

  // the author's loop: one layer and one variant, in seconds
  const loop = ['tune', '--model', await smallFile(), '--layer', 'depthwise', '--variant', 'depthwise', '--json'];
  const one = await exact8(loop, {}, planted);
  expect(one.code, one.stderr).toBe(1);
  expect(one.stderr).toMatch(/REFUSED: depthwise gives \d+ wrong values in depthwise/);
  const { variants } = JSON.parse(one.stdout) as TuningFile['layers'][number];
  expect(variants.map(({ variant, ms, mismatches }) => [variant, ms !== undefined, mismatches > 0])).toEqual([
    ['depthwise_rows', true, false],
    ['depthwise', false, true],
  ]);
  const cases = ['cases', '--variant', 'depthwise', '--kind', 'depthwise', '--count', '60'];
  const wrong = await exact8(cases, {}, planted);
  expect(wrong.code, wrong.stderr).toBe(1);
  expect(wrong.stdout).toMatch(/depthwise .*: [\d,]+ differ between GPU and host/);
  expect(wrong.stdout).toMatch(/again: npx exact8 cases --case onnxruntime\/1\/\d+ --variant depthwise/);
  expect((await exact8(cases.with(2, 'depthwise_rows'), {}, planted)).code).toBe(0);

  // it was not timed, and the profile has another; all others are exact
  const { layers, complete } = read(out);
  expect(complete).toBe(true);
  const layer = layers.find(({ kind }) => kind === 'depthwise')!;
  expect(layer.best.variant).not.toBe('depthwise');
  for (const variant of layers.flatMap(({ variants }) => variants)) {
    const isPlanted = variant.variant === 'depthwise';
    expect(variant.mismatches > 0, variant.variant).toBe(isPlanted);
    expect(variant.ms !== undefined, variant.variant).toBe(!isPlanted);
  }
});

test('tune as on a lesser adapter: layers, blocks and fusions; it goes on where it was cut off', async () => {
  const out = test.info().outputPath('profile.json');
  const handicap = ['--without', 'packed-dot,subgroups', '--workgroup-memory', '16384'];
  const args = ['tune', '--model', await smallFile(), '--out', out, '--time-limit', '120', ...handicap];
  const html = test.info().outputPath('heat.html');
  const whole = await exact8([...args, '--html', html, '--json']);
  expect(whole.code, whole.stderr).toBe(0);
  const file = read(out);
  expect(file).toMatchObject({ complete: true, without: ['packed-dot', 'subgroups'], workgroupMemory: 16384 });
  expect(file.layers.map(({ kind }) => kind)).toEqual(['conv', 'pointwise', 'depthwise', 'pointwise', 'gemm']);
  // no kernel that needs what is taken not to be there
  const variants = file.layers.flatMap(({ variants }) => variants.map(({ variant }) => variant));
  expect(variants).toContain('lanes_plain');
  expect(variants).not.toContain('lanes');
  const [block] = file.blocks;
  expect(block).toMatchObject({ node: 'depthwise', layers: 1, untuned: 'unfused' });
  expect(block!.tiles.map(({ tile }) => tile)).toEqual(expect.arrayContaining(['unfused', block!.usual]));
  expect(file.profile.blocks?.[block!.geometry] ?? block!.best).toBe(block!.best);
  expect(file.fusions.map(({ fusion }) => fusion)).toEqual(['none', 'floats', 'layers', 'blocks']);
  expect(await faultsOfReport(html)).toEqual([]);
  const page = readFileSync(html, 'utf8');
  expect(page).toContain(block!.geometry);
  expect(page).not.toMatch(/NaN|undefined|Infinity|<script/);

  // cut off behind the third layer
  const { latencyMs: _, ...rest } = file;
  writeFileSync(
    out,
    JSON.stringify({ ...rest, complete: false, layers: file.layers.slice(0, 3), blocks: [], fusions: [] }),
  );
  const again = await exact8(args);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain('going on from 3 geometries and 0 blocks');
  const after = read(out);
  expect(after.complete).toBe(true);
  expect(after.layers.slice(0, 3)).toEqual(file.layers.slice(0, 3));
  expect(after.layers).toHaveLength(5);

  // what was measured on another adapter is not gone on from
  const other = await exact8(args.filter((arg) => !handicap.slice(2).includes(arg)));
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('of another workgroupMemory');
});

test('exit 2: kernels, kinds and layers that there are not', async () => {
  const model = await smallFile();
  const usages: [args: string[], cause: RegExp][] = [
    [['tune', '--variant', 'depthwise'], /--variant needs --layer/],
    [['tune', '--layer', 'x', '--variant', 'nonsense'], /nonsense.*depthwise_rows/],
    [['tune', '--model', model, '--layer', 'nothing'], /no layer nothing with variants; it has .*depthwise/],
    [
      ['tune', '--model', model, '--layer', 'depthwise', '--variant', 'pointwise'],
      /cannot compute depthwise.*these can: depthwise/,
    ],
    [['cases', '--variant', 'nonsense'], /nonsense.*depthwise_rows/],
    [['cases', '--kind', 'nonsense'], /nonsense.*depthwise/],
    [['cases', '--variant', 'depthwise', '--kind', 'conv'], /depthwise is for depthwise layers; got --kind conv/],
    [['cases', '--variant', 'depthwise', '--count', '1'], /none of 1 generated cases is for depthwise.*larger --count/],
    [['cases', '--kind', 'conv', '--recorded', 'x.npz'], /without --recorded and --graphs/],
  ];
  const results = await Promise.all(usages.map(async ([args]) => exact8(args)));
  for (const [i, [args, cause]] of usages.entries()) {
    expect(results[i]!.code, `${args.join(' ')}: ${results[i]!.stderr}`).toBe(2);
    expect(results[i]!.stderr).toMatch(cause);
  }
});
