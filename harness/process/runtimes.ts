import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NoBrowserError } from '../chrome/errors.ts';
import { findPackage, importersOf, onDemand } from './packages.ts';

/** WebGPUs without a browser: Dawn (Chrome's own) in Node, and wgpu (Firefox's) in Deno. */
export type Runtime = 'node' | 'deno';

/** A program that runs the worker. */
export interface Program {
  /** Of whose WebGPU it is, with its version, for people. */
  readonly name: string;
  readonly command: string;
  /** Before and behind the worker's path and the server's origin. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Packages that only some need: see docs/webgpu.md. */
export const ON_DEMAND = onDemand('webgpu');

/** Where to look; the defaults are this machine. */
interface RuntimeSurroundings {
  /** Files that would import the packages. */
  readonly importers?: readonly string[];
  readonly path?: string;
}

/** @throws NoBrowserError that says what to install. */
export function findRuntime(runtime: Runtime, surroundings: RuntimeSurroundings = {}): Program {
  const { importers = importersOf(ON_DEMAND), path = process.env['PATH'] ?? '' } = surroundings;
  return runtime === 'node' ? dawnInNode(importers) : deno(importers, path);
}

function dawnInNode(importers: readonly string[]): Program {
  const found = findPackage('webgpu', importers);
  if (!found)
    throw new NoBrowserError(
      '--webgpu node needs the package webgpu (Dawn, 130 MB), which is not installed: npm install webgpu',
    );
  const entry = createRequire(found.file).resolve('webgpu');
  return {
    name: `Dawn (webgpu ${found.version} in Node ${process.versions.node})`,
    command: process.execPath,
    before: [],
    after: [pathToFileURL(entry).href],
  };
}

const DENO_FLAGS = ['run', '--unstable-webgpu', '--no-config', '--no-lock', '--node-modules-dir=manual'];
/** The worker reaches the command's server, and reads itself and onnxruntime-web. */
const DENO_PERMISSIONS = ['--allow-net=127.0.0.1', '--allow-read', '--allow-env'];

function deno(importers: readonly string[], path: string): Program {
  const program = (command: string, version: string): Program => ({
    name: `wgpu (Deno${version})`,
    command,
    before: [...DENO_FLAGS, ...DENO_PERMISSIONS],
    after: [],
  });
  const found = findPackage('deno', importers);
  if (found) {
    const family = process.platform === 'linux' ? '-glibc' : '';
    const target = `@deno/${process.platform}-${process.arch}${family}`;
    const folder = dirname(createRequire(found.file).resolve(`${target}/package.json`));
    return program(join(folder, executable('deno')), ` ${found.version}`);
  }
  const folders = path.split(delimiter).filter(Boolean);
  const inPath = folders.map((folder) => join(folder, executable('deno'))).find((file) => existsSync(file));
  if (inPath) return program(inPath, '');
  throw new NoBrowserError(
    '--webgpu deno needs Deno (wgpu, 92 MB), which is not installed: npm install --no-save deno',
  );
}

const executable = (name: string): string => (process.platform === 'win32' ? `${name}.exe` : name);
