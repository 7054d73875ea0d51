import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'playwright/test';
import { LONG } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { plant } from './plant.ts';

test.describe.configure({ timeout: 120_000 });

const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=24' };
const NO_CHROME = { EXACT8_CHROME: '/nowhere' };
const failures: [args: string[], env: Record<string, string>, exitCode: number, name: string, message: RegExp][] = [
  [['inspect', '--model', 'nothing.onnx'], {}, 2, 'InvalidInputError', /cannot read nothing\.onnx/],
  [['inspect', '--model', 'package.json'], {}, 2, 'InvalidModelError', /./],
  [['nonsense'], {}, 2, 'CommanderError', /unknown command/],
  [['verify', '--random', 'x'], {}, 2, 'CommanderError', /integer/],
  [['verify', '--random', '1'], NO_CHROME, 3, 'NoBrowserError', /nowhere/],
  [['inspect'], SMALL_HEAP, 4, 'InternalError', /memory runs out/],
];
for (const [args, env, exitCode, name, message] of failures)
  test(`exit ${exitCode}: ${args.join(' ')}: ${name}, as JSON where it is asked for`, async () => {
    const result = await exact8([...args, '--json'], env);
    expect(result.code, result.stderr).toBe(exitCode);
    const { schemaVersion, error } = JSON.parse(result.stdout);
    expect({ schemaVersion, ...error }).toEqual({
      schemaVersion: 1,
      name,
      message: expect.stringMatching(message),
      exitCode,
    });
    expect(await exact8(args, env)).toMatchObject({ code: exitCode, stdout: '' });
  });

/** A copy of a folder of the checkout in the running test's own folder, which finds the checkout's packages. */
function copy(...names: string[]): string {
  const to = test.info().outputPath('copy');
  mkdirSync(to, { recursive: true });
  for (const name of names) cpSync(name, join(to, name), { recursive: true });
  return to;
}

/** The exit code where nobody reads what is printed. */
function unread(args: readonly string[], dist = 'dist'): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${dist}/cli/main.js`, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.destroy();
    child.on('close', resolve);
  });
}

test('a closed standard output changes no verdict; a full one is an error', async () => {
  expect(await unread(['inspect'])).toBe(0);
  expect(await unread(['inspect', '--model', 'nothing.onnx', '--json'])).toBe(2);
  const right = 'requantize(form, sums) ^';
  const dist = plant(right, `${right} 1u ^`);
  const cases = ['cases', '--count', '5'];
  expect((await exact8(cases, {}, dist)).code).toBe(1);
  expect(await unread(cases, dist)).toBe(1);
  if (process.platform !== 'linux') return;
  const full = spawnSync('sh', ['-c', `"${process.execPath}" dist/cli/main.js inspect > /dev/full`], {
    encoding: 'utf8',
  });
  expect(full.status).toBe(2);
  expect(full.stderr).toContain('the result cannot be written');
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGKILL', 137],
] as const)
  test(`${signal} in the middle ends in ${code} and leaves no file and no process`, async () => {
    // not in the test's own folder: the path of a socket is 104 bytes at most
    const folder = mkdtempSync(join(tmpdir(), 'x8-'));
    const env = { ...process.env, TMPDIR: folder };
    const shell = `"${process.execPath}" dist/cli/main.js cases --count 1000000 & echo $!; wait $!; echo $?`;
    const child = spawn('sh', ['-c', shell], { env });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    const ended = new Promise((resolve) => child.on('close', resolve));
    const marker = process.platform === 'linux' ? 'chromium' : 'exact8';
    await expect.poll(() => deep(folder).some((name) => name.includes(marker)), { timeout: 30_000 }).toBe(true);
    await wait(500);
    process.kill(Number(stdout.split('\n')[0]), signal);
    await ended;
    expect(stdout.trim().split('\n').at(-1)).toBe(String(code));
    await expect.poll(() => deep(folder), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => processesOf(folder), { timeout: 10_000 }).toEqual([]);
    rmSync(folder, { recursive: true });
  });

const deep = (folder: string): string[] => readdirSync(folder, { recursive: true }) as string[];

/** Command lines that name a folder: Chrome's has its profile. */
function processesOf(folder: string): string[] {
  const { stdout } = spawnSync('ps', ['-axo', 'args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(folder));
}

test('in a checkout the command runs its sources: a shader that is broken is found, and sources that do not build', async () => {
  const names = ['src', 'shaders', 'harness', 'models', 'scripts', 'dist'];
  const files = ['index.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts'];
  const root = copy(...names, ...files);
  const shader = join(root, 'shaders/output/codes.wgsl');
  const right = readFileSync(shader, 'utf8');
  const cases = (): ReturnType<typeof exact8> => exact8(['cases', '--count', '5'], {}, join(root, 'dist'));
  const building = /the sources have changed/;

  const before = await cases();
  expect(before).toMatchObject({ code: 0 });
  expect(before.stderr).not.toMatch(building);
  writeFileSync(shader, right.replace('^ OUTPUT_SIGN', '^ OUTPUT_SIGN ^ 1u'));
  const broken = await cases();
  expect(broken.code, broken.stderr).toBe(1);
  expect(broken.stderr).toMatch(building);
  if (LONG) {
    writeFileSync(shader, right);
    const mended = await cases();
    expect(mended.code, mended.stderr).toBe(0);
  }
  writeFileSync(join(root, 'src/errors.ts'), 'this is no TypeScript');
  const result = await exact8(['cases', '--json'], {}, join(root, 'dist'));
  expect(result.code).toBe(4);
  expect(JSON.parse(result.stdout).error.message).toContain('building them fails');
  expect(readdirSync(root).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
});
