import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { NoBrowserError } from '../chrome/errors.ts';
import { findPackage, importersOf } from '../process/packages.ts';
import { ON_DEMAND } from '../process/runtimes.ts';
import type { Puppeteer } from './launch.ts';

/** The file of puppeteer-core, which only who asks for Firefox needs. @throws NoBrowserError that says what to install */
export function findPuppeteer(importers: readonly string[] = importersOf(ON_DEMAND)): string {
  const found = findPackage('puppeteer-core', importers);
  if (found) return createRequire(found.file).resolve('puppeteer-core');
  throw new NoBrowserError(
    '--webgpu firefox needs the package puppeteer-core (57 MB), which is not installed: npm install puppeteer-core',
  );
}

/** What drives Firefox, as it is installed. @throws NoBrowserError that says what to install */
export async function loadPuppeteer(): Promise<Puppeteer> {
  const { default: puppeteer } = (await import(/* @vite-ignore */ pathToFileURL(findPuppeteer()).href)) as {
    default: Puppeteer;
  };
  return puppeteer;
}
