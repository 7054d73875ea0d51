import { NoBrowserError } from '../chrome/errors.ts';
import { findPuppeteer } from '../firefox/puppeteer.ts';
import { installInto } from './packages.ts';
import { findRuntime, ON_DEMAND } from './runtimes.ts';

/** The versions that docs/webgpu.md's table was made with, and how they are found. */
const PACKAGES: readonly [name: string, find: () => unknown][] = [
  ['webgpu@0.6.2', () => findRuntime('node')],
  ['deno@2.9.6', () => findRuntime('deno')],
  ['puppeteer-core@24.43.1', () => findPuppeteer()],
];

/**
 * Installs with npm what `findRuntime` and `findPuppeteer` miss.
 *
 * @throws NoBrowserError where npm fails
 */
export async function installRuntimes(): Promise<void> {
  const missing = PACKAGES.filter(([, find]) => !isThere(find)).map(([name]) => name);
  if (missing.length === 0) return;
  await installInto(ON_DEMAND, missing).catch((error: Error) => {
    throw new NoBrowserError(error.message);
  });
}

/** Does it find what it looks for? */
export function isThere(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch (error) {
    if (error instanceof NoBrowserError) return false;
    throw error;
  }
}
