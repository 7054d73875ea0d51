import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'playwright/test';

/** Runs specs of a user's, by Playwright as they have it, and gives what it prints. */
async function play(folder: string, spec: string, env: Readonly<Record<string, string>>): Promise<string> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/playwright.config.ts`, "export default { testDir: '.', reporter: 'line', retries: 0, respectGitIgnore: false };\n");
  writeFileSync(`${folder}/user.spec.ts`, spec);
  const args = ['playwright', 'test', '--config', `${folder}/playwright.config.ts`];
  const child = spawn('npx', args, { env: { ...process.env, ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: '' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

const imports = `
import { expect } from 'playwright/test';
import { matchers } from '${process.cwd()}/harness/testing/index.ts';
import { test } from '${process.cwd()}/harness/testing/playwright.ts';
expect.extend(matchers);
`;

test('a user has a page with an adapter, and matchers that say what differs; without a browser the test fails', async ({
  baseURL: _,
}, info) => {
  const computes = `${imports}
test('computes', async ({ gpu, adapter }) => {
  const limits = await gpu.evaluate(async () => (await (await navigator.gpu.requestAdapter()).requestDevice()).limits.maxBufferSize);
  expect(limits).toBeGreaterThan(0);
  expect(adapter.vendor).not.toBe('');
  expect(Uint8Array.of(1, 2)).toEqualBits(Uint8Array.of(1, 2));
});
test('differs', async () => expect(Uint8Array.of(1, 3)).toEqualBits(Uint8Array.of(1, 2)));
test('throws in the page', async ({ gpu }) => {
  await gpu.evaluate(() => void setTimeout(() => { throw new Error('of the page'); }));
  await gpu.waitForTimeout(100);
});`;
  const [output, without] = await Promise.all([
    play(info.outputPath('with'), computes, {}),
    play(info.outputPath('without'), `${imports}test('needs one', async ({ gpu }) => void gpu.url());`, {
      EXACT8_CHROME: '/nowhere',
    }),
  ]);
  expect(output).toContain('1 passed');
  expect(output).toContain('2 failed');
  expect(output).toContain('value: 1 of 2 elements differ, by at most 1; the first at 1: expected 2, got 3');
  expect(output).toMatch(/errors in the page that nobody caught:\s+of the page/);
  expect(without).toContain('1 failed');
  expect(without).toContain('/nowhere');
});
