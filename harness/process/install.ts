import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NoBrowserError } from '../chrome/errors.ts';
import { findRuntime, ON_DEMAND, type Runtime } from './runtimes.ts';

/** The versions that docs/webgpu.md's table was made with. */
const PACKAGES: Readonly<Record<Runtime, string>> = { node: 'webgpu@0.6.2', deno: 'deno@2.9.6' };

/**
 * Installs what `findRuntime` misses with npm, out of the way of this project's own packages.
 *
 * @throws NoBrowserError where npm fails
 */
export async function installRuntimes(): Promise<void> {
  const missing = (['node', 'deno'] as const).filter((runtime) => !isThere(runtime)).map((name) => PACKAGES[name]);
  if (missing.length === 0) return;
  await mkdir(ON_DEMAND, { recursive: true });
  await writeFile(join(ON_DEMAND, 'package.json'), '{ "private": true }\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await promisify(execFile)(npm, ['install', '--no-audit', '--no-fund', '--prefix', ON_DEMAND, ...missing]).catch(
    ({ stderr, message }: { stderr?: string; message: string }) => {
      throw new NoBrowserError(`npm install ${missing.join(' ')} fails: ${stderr || message}`);
    },
  );
}

function isThere(runtime: Runtime): boolean {
  try {
    findRuntime(runtime);
    return true;
  } catch (error) {
    if (error instanceof NoBrowserError) return false;
    throw error;
  }
}
