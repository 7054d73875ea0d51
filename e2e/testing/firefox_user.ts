import { expect, firefoxTest } from '../../harness/testing/playwright.ts';
import { loadPuppeteer } from '../../harness/firefox/puppeteer.ts';

const test = firefoxTest({ launch: async (options) => (await loadPuppeteer()).launch(options) });

test('computes in Firefox', async ({ gpu, adapter }) => {
  const bytes = await gpu.evaluate(async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const buffer = device.createBuffer({ size: 4, usage: 1, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set([1, 2, 3, 4]);
    buffer.unmap();
    await buffer.mapAsync(1);
    return [...new Uint8Array(buffer.getMappedRange())];
  });
  expect(Uint8Array.from(bytes)).toEqualBits(Uint8Array.of(1, 2, 3, 4));
  expect(typeof adapter.fallback).toBe('boolean');
});

test('throws in Firefox', async ({ gpu }) => {
  await gpu.evaluate(async () => {
    setTimeout(() => {
      throw new Error('of the page');
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
});
