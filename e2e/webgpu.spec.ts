import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'playwright/test';
import { requireFirefox } from '../harness/firefox/install.ts';
import { findDriver, type SoftwareDriver } from '../harness/process/drivers.ts';
import { installRuntimes, isThere } from '../harness/process/install.ts';
import { findRuntime, type Runtime } from '../harness/process/runtimes.ts';
import { smallQOperatorModel } from '../tests/helpers/small_onnx.ts';
import { chosen } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { needFirefox } from './firefox.ts';

/** Without Chrome: what `npm run test:webgpu` does with every model, with a small one and a few cases. */
const COLUMNS: readonly [Runtime | 'firefox', SoftwareDriver][] = [
  ['firefox', 'llvmpipe'],
  ...chosen<['firefox', SoftwareDriver]>([], [['firefox', 'swiftshader']]),
  ['node', 'swiftshader'],
  ['deno', 'swiftshader'],
  ['deno', 'llvmpipe'],
];

/** Of each family one, those whose pairs saturate and wrap among them. */
const ENGINES = chosen(
  ['onnxruntime', 'fbgemm-avx2', 'tflite-builtin'],
  ['onnxruntime-arm64-nodot', 'qnnpack', 'onednn-avx2', 'x86', 'xnnpack', 'onnxruntime-arm64'],
);

test.describe.configure({ timeout: 400_000 });

const NEEDED = { node: 'the package webgpu', deno: 'Deno', firefox: 'Firefox and the package puppeteer-core' };

/** Skips by name; in CI the packages are installed. */
async function need(runtime: Runtime | 'firefox', driver: SoftwareDriver): Promise<void> {
  if (runtime === 'firefox') needFirefox();
  else {
    if (process.env['CI'] && !isThere(() => findRuntime(runtime))) await installRuntimes().catch(() => undefined);
    test.skip(!isThere(() => findRuntime(runtime)), `needs ${NEEDED[runtime]}`);
  }
  test.skip(findDriver(driver) === undefined, `needs the driver ${driver}`);
}

function smallModel(): string {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  const path = join(outputDir, 'small.onnx');
  writeFileSync(path, smallQOperatorModel());
  return path;
}

for (const [runtime, driver] of COLUMNS)
  test(`${runtime} on ${driver}: every tensor and generated cases equal the host (needs ${NEEDED[runtime]})`, async () => {
    await need(runtime, driver);
    const only = `${runtime}+${driver}`;
    const args = ['--import', 'tsx', 'tests/soak/main.ts', 'matrix', smallModel(), '--only', only, '--cases', '3'];
    // the browser is started for each
    const engines = runtime === 'firefox' ? chosen(['onnxruntime'], ENGINES) : ENGINES;
    args.push('--engines', ...engines);
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const rows = stdout.split('\n').filter((line) => /^\| [^-m]/.test(line));
    expect(rows).toHaveLength(1 + engines.length);
    for (const row of rows) expect(row).toMatch(/\| +[\d,]{2,} \| 0 \|$/);
    expect(rows[0]).toMatch(/^\| small.onnx \| onnxruntime \| 6 \|/);
  });

const graphsOnWgpu = chosen<[SoftwareDriver, count: number]>(
  [['swiftshader', 6]],
  [
    ['swiftshader', 500],
    ['llvmpipe', 500],
  ],
);
for (const [driver, count] of graphsOnWgpu)
  test(`deno on ${driver}: ${count} generated graphs of dynamic quantization equal onnxruntime-web (needs Deno)`, async () => {
    await need('deno', driver);
    const args = ['cases', '--graphs', 'dynamic', '--against', 'onnxruntime', '--seed', '3', '--count', String(count)];
    const { code, stdout, stderr } = await exact8([...args, '--webgpu', 'deno', '--adapter', driver, '--json']);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ graphs: count, failures: [], onGpu: report.equal });
    expect(report.equal).toBeGreaterThan(count / 2);
  });

const GOLDENS = '../shared/goldens/dynamic';
const modelsOnWgpu = chosen<string>([], ['dfl_u8', 'dw_u8', 'gemm_u8', 'mm_u8pc', 'res_u8', 'se_u8', 'shared_s8']);
for (const model of modelsOnWgpu)
  test(`deno: every tensor of ${model} equals onnxruntime-web's (needs Deno and ../shared)`, async () => {
    test.skip(!existsSync(GOLDENS), 'needs ../shared');
    for (const driver of ['swiftshader', 'llvmpipe'] as const) {
      await need('deno', driver);
      const args = ['verify', '--model', `${GOLDENS}/${model}.onnx`, '--random', '1', '--json'];
      const { code, stdout, stderr } = await exact8([...args, '--webgpu', 'deno', '--adapter', driver]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ against: 'onnxruntime', mismatches: 0 });
    }
  });

test('node on swiftshader: verify compares with onnxruntime-web, and sees a kernel that is wrong (needs the package webgpu)', async () => {
  await need('node', 'swiftshader');
  const args = ['verify', '--model', smallModel(), '--random', '1', '--webgpu', 'node', '--adapter', 'swiftshader'];
  const right = await exact8([...args, '--json']);
  expect(right.code, right.stderr).toBe(0);
  expect(JSON.parse(right.stdout)).toMatchObject({ against: 'onnxruntime', mismatches: 0 });

  // inside the project, so that the copy finds its packages
  const planted = join(test.info().outputDir, 'planted/dist');
  cpSync('dist', planted, { recursive: true });
  const worker = join(planted, 'worker/process.js');
  const text = readFileSync(worker, 'utf8');
  const wrong = text.replace(
    'sums - vec4<i32>(i32(geometry.pixels',
    'vec4<i32>(1000) + sums - vec4<i32>(i32(geometry.pixels',
  );
  expect(wrong).not.toBe(text);
  writeFileSync(worker, wrong);
  const { code, stdout } = await exact8([...args, '--json'], {}, planted);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).mismatches).toBeGreaterThan(0);
});

test('exit 2 and 3: what is not supported or not installed, and what to do', async () => {
  const usages: [args: string[], code: number, cause: RegExp][] = [
    [['verify', '--random', '1', '--webgpu', 'safari'], 2, /chrome, firefox, node, deno/],
    [['classify', 'package.json', '--webgpu', 'node'], 2, /not a picture|npm install webgpu/],
    [['verify', '--random', '1', '--adapter', 'llvmpipe'], 2, /--webgpu deno/],
  ];
  for (const [args, code, cause] of usages) {
    const result = await exact8(args);
    const ok = result.code === code || (/npm install/.test(result.stderr) && result.code === 3);
    expect(ok, `${args.join(' ')}: ${result.code}\n${result.stderr}`).toBe(true);
    expect(result.stderr).toMatch(cause);
    expect(result.stdout).toBe('');
  }
});

for (const signal of chosen<NodeJS.Signals>([], ['SIGKILL', 'SIGSEGV']))
  test(`a Firefox that ends by ${signal} while it computes is trouble with the device: exit 3 (needs Firefox and the package puppeteer-core)`, async () => {
    needFirefox();
    const { outputDir } = test.info();
    mkdirSync(outputDir, { recursive: true });
    const [pid, firefox] = ['pid', 'firefox'].map((name) => resolve(outputDir, name)) as [string, string];
    writeFileSync(firefox, `#!/bin/sh\necho $$ > ${pid}\nexec ${requireFirefox()} "$@"\n`, { mode: 0o755 });
    const args = ['dist/cli/main.js', 'cases', '--count', '1000000', '--webgpu', 'firefox'];
    const child = spawn(process.execPath, args, { env: { ...process.env, EXACT8_FIREFOX: firefox } });
    const ended = new Promise((done) => child.on('close', done));
    let said = '';
    for await (const chunk of child.stderr) {
      said += String(chunk);
      if (/^adapter: /m.test(said)) break;
    }
    process.kill(Number(readFileSync(pid, 'utf8')), signal);
    expect(await ended).toBe(3);
  });
