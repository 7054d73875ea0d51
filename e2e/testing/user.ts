import { expect, test } from '../../harness/testing/playwright.ts';

test('computes', async ({ gpu, adapter }) => {
  const limit = await gpu.evaluate(async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    return device.limits.maxBufferSize;
  });
  expect(limit).toBeGreaterThan(0);
  expect(typeof adapter.fallback).toBe('boolean');
  expect(Uint8Array.of(1, 2)).toEqualBits(Uint8Array.of(1, 2));
});

test('differs', () => expect(Uint8Array.of(1, 3)).toEqualBits(Uint8Array.of(1, 2)));

test('throws in the page', async ({ gpu }) => {
  await gpu.evaluate(() => {
    setTimeout(() => {
      throw new Error('of the page');
    });
  });
  await gpu.waitForTimeout(100);
});
