import { expect } from 'playwright/test';
import { matchers } from '../../harness/testing/index.ts';
import { test } from '../../harness/testing/playwright.ts';

expect.extend(matchers);
const expectBits = (value: Uint8Array) => expect(value) as unknown as { toEqualBits(expected: Uint8Array): void };

test('computes', async ({ gpu, adapter }) => {
  const limit = await gpu.evaluate(async () => {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    return device.limits.maxBufferSize;
  });
  expect(limit).toBeGreaterThan(0);
  expect(typeof adapter.fallback).toBe('boolean');
  expectBits(Uint8Array.of(1, 2)).toEqualBits(Uint8Array.of(1, 2));
});

test('differs', () => expectBits(Uint8Array.of(1, 3)).toEqualBits(Uint8Array.of(1, 2)));

test('throws in the page', async ({ gpu }) => {
  await gpu.evaluate(() => {
    setTimeout(() => {
      throw new Error('of the page');
    });
  });
  await gpu.waitForTimeout(100);
});
