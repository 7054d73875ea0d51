import { spawn } from 'node:child_process';
import { expect, test } from 'playwright/test';

/** Runs the specs of a user's, by Playwright as they have it, and gives what it prints. */
async function play(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const config = ['playwright', 'test', '--config', 'e2e/testing/playwright.config.ts', '--workers', '1', ...args];
  const child = spawn('npx', config, { env: { ...process.env, ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: '' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

test('a user has pages with an adapter, and matchers that say what differs; without a browser the test fails', async ({
  baseURL: _,
}) => {
  const output = await play({});
  expect(output).toContain('1 passed');
  expect(output).toContain('2 failed');
  expect(output).toContain('value: 1 of 2 elements differ, by at most 1; the first at 1: expected 2, got 3');
  expect(output).toMatch(/errors in the page that nobody caught:\s+of the page/);
  const without = await play({ EXACT8_CHROME: '/nowhere' }, '--grep', 'computes');
  expect(without).toContain('1 failed');
  expect(without).toContain('/nowhere');
});
