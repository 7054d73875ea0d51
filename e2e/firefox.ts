import { test } from 'playwright/test';
import { installFirefox, requireFirefox } from '../harness/firefox/install.ts';
import { findPuppeteer } from '../harness/firefox/puppeteer.ts';
import { installRuntimes, isThere } from '../harness/process/install.ts';

/** In CI, where it can be, Firefox is installed, and what drives it. */
export async function prepareFirefox(): Promise<void> {
  if (!process.env['CI']) return;
  await installFirefox().catch(() => undefined);
  if (isThere(requireFirefox)) await installRuntimes().catch(() => undefined);
}

/** Skips by name. */
export function needFirefox(): void {
  test.skip(!isThere(requireFirefox), 'needs Firefox');
  test.skip(!isThere(findPuppeteer), 'needs the package puppeteer-core');
}
