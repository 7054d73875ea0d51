import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'playwright/test';
import { requireChrome } from '../harness/chrome/install.ts';
import { requireFirefox } from '../harness/firefox/install.ts';
import { needFirefox } from './firefox.ts';

/** Runs the specs of a user's, by Playwright as they have it, and gives what it prints. */
async function play(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const config = ['playwright', 'test', '--config', 'e2e/testing/playwright.config.ts', '--workers', '1', ...args];
  const child = spawn('npx', config, { env: { ...process.env, ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: '' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

/** A browser that has no WebGPU: the one that is installed, started otherwise. */
function withoutWebGpu(browser: string, lines: string): string {
  const path = resolve(test.info().outputPath('browser'));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines.replace('BROWSER', browser)}\n`, { mode: 0o755 });
  return path;
}

test('a user has pages with an adapter, and matchers that say what differs; without a browser the test fails', async ({
  baseURL: _,
}) => {
  const output = await play({}, '/user.ts');
  expect(output).toContain('1 passed');
  expect(output).toContain('2 failed');
  expect(output).toContain('value: 1 of 2 elements differ, by at most 1; the first at 1: expected 2, got 3');
  expect(output).toMatch(/errors in the page that nobody caught:\s+of the page/);
  const without = await play({ EXACT8_CHROME: '/nowhere' }, '/user.ts', '--grep', 'computes');
  expect(without).toContain('1 failed');
  expect(without).toContain('/nowhere');
  const blind = withoutWebGpu(requireChrome(), 'exec BROWSER --disable-gpu --disable-software-rasterizer "$@"');
  const none = await play({ EXACT8_CHROME: blind }, '/user.ts', '--grep', 'computes');
  expect(none).toContain('1 failed');
  expect(none).toContain('gives no WebGPU adapter');
});

test('the same in Firefox: without an adapter, or without Firefox, the test fails (needs Firefox and the package puppeteer-core)', async ({
  baseURL: _,
}) => {
  needFirefox();
  const output = await play({}, 'firefox_user');
  expect(output).toContain('1 passed');
  expect(output).toContain('1 failed');
  expect(output).toMatch(/errors in the page that nobody caught:\s+(Error: )?of the page/);
  const without = await play({ EXACT8_FIREFOX: '/nowhere' }, 'firefox_user', '--grep', 'computes');
  expect(without).toContain('1 failed');
  expect(without).toContain('EXACT8_FIREFOX is /nowhere, which does not exist');
  const lines = `for folder; do [ -f "$folder/user.js" ] && sed -i '/dom.webgpu.enabled/d' "$folder/user.js"; done; exec BROWSER "$@"`;
  const blind = withoutWebGpu(requireFirefox(), lines);
  const none = await play({ EXACT8_FIREFOX: blind }, 'firefox_user', '--grep', 'computes');
  expect(none).toContain('1 failed');
  expect(none).toContain('gives no WebGPU adapter');
});
