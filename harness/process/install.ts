import { NoBrowserError } from '../chrome/errors.ts';
import { installInto } from './packages.ts';
import { findRuntime, ON_DEMAND, type Runtime } from './runtimes.ts';

/** The versions that docs/webgpu.md's table was made with. */
const PACKAGES: Readonly<Record<Runtime, string>> = { node: 'webgpu@0.6.2', deno: 'deno@2.9.6' };

/**
 * Installs what `findRuntime` misses with npm.
 *
 * @throws NoBrowserError where npm fails
 */
export async function installRuntimes(): Promise<void> {
  const missing = (['node', 'deno'] as const).filter((runtime) => !isThere(runtime)).map((name) => PACKAGES[name]);
  if (missing.length === 0) return;
  await installInto(ON_DEMAND, missing).catch((error: Error) => {
    throw new NoBrowserError(error.message);
  });
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
