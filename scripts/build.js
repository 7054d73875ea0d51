// Builds dist/: the library and its types, the pages, the command and the process that it starts. Prints nothing unless something is wrong.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { sourcesHash, STAMP } from './fresh.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Built beside dist/, which is replaced as a whole: another command may run from it. */
const dist = `dist.${process.pid}`;
const { dependencies } = createRequire(import.meta.url)('../package.json');
/** Packages stay outside, their files (`?url`) do not: Node would not know what to import. */
const outside = (name) => new RegExp(`^${name}(/[^?]*)?$`);
const external = Object.keys(dependencies).map(outside);

async function library() {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: `${dist}/lib`,
      target: 'es2023',
      minify: false,
      lib: { entry: ['src/index.ts', 'src/onnxruntime.ts'], formats: ['es'], fileName: (_, name) => `${name}.js` },
      // what both entries share
      rolldownOptions: { external, output: { chunkFileNames: 'library.js' } },
    },
  });
}

async function types() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', 'src'];
  const args = [tsc, '-p', 'src/tsconfig.json', ...flags, '--outDir', `${dist}/types/src`];
  await promisify(execFile)(process.execPath, args, { cwd: root }).catch(({ stdout, message }) => {
    throw new Error(stdout || message);
  });
}

async function pages() {
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'error', build: { outDir: `${dist}/lab` } });
}

/** What `exact8` starts, and the command that this starts: a file each. */
async function command(name) {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: `${dist}/cli`,
      emptyOutDir: false,
      target: 'node20',
      ssr: `harness/cli/${name}.ts`,
      rolldownOptions: {
        external,
        treeshake: { moduleSideEffects: 'no-external' },
        output: { entryFileNames: `${name}.js`, codeSplitting: false, banner: '#!/usr/bin/env node' },
      },
    },
  });
  await chmod(join(root, dist, 'cli', `${name}.js`), 0o755);
}

/** All in one file, with the shaders: Deno does not look where Node does. Only onnxruntime-web stays outside. */
async function worker() {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['onnxruntime-web'] },
    build: {
      outDir: `${dist}/worker`,
      target: 'node20',
      ssr: 'harness/worker/process.ts',
      rolldownOptions: {
        external: [outside('onnxruntime-web')],
        output: { entryFileNames: 'process.js', codeSplitting: false },
      },
    },
  });
}

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
await Promise.all([library(), types(), pages(), command('main'), command('command'), worker()]);
await writeFile(join(root, dist, STAMP), hash);
await replace();
