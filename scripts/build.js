// Builds dist/: the library and its types, the pages, the command and the process that it starts. Prints nothing unless something is wrong.
import { execFile } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
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
      outDir: 'dist/lib',
      target: 'es2023',
      minify: false,
      lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'index.js' },
      rolldownOptions: { external },
    },
  });
}

async function types() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', 'src'];
  const args = [tsc, '-p', 'src/tsconfig.json', ...flags, '--outDir', 'dist/types/src'];
  await promisify(execFile)(process.execPath, args, { cwd: root }).catch(({ stdout, message }) => {
    throw new Error(stdout || message);
  });
}

async function pages() {
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'error' });
}

async function command() {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: 'dist/cli',
      target: 'node20',
      ssr: 'harness/cli/main.ts',
      rolldownOptions: {
        external,
        output: { entryFileNames: 'main.js', codeSplitting: false, banner: '#!/usr/bin/env node' },
      },
    },
  });
  await chmod(join(root, 'dist/cli/main.js'), 0o755);
}

/** All in one file, with the shaders: Deno does not look where Node does. Only onnxruntime-web stays outside. */
async function worker() {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['onnxruntime-web'] },
    build: {
      outDir: 'dist/worker',
      target: 'node20',
      ssr: 'harness/worker/process.ts',
      rolldownOptions: {
        external: [outside('onnxruntime-web')],
        output: { entryFileNames: 'process.js', codeSplitting: false },
      },
    },
  });
}

await rm(join(root, 'dist'), { recursive: true, force: true });
await Promise.all([library(), types(), pages(), command(), worker()]);
