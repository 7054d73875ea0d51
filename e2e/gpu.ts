import { test as base, expect, type Page } from 'playwright/test';
import { installChrome } from '../harness/chrome/install.ts';
import { openPage } from '../harness/chrome/launch.ts';

export { expect };

/**
 * A page with a WebGPU adapter, in which modules of this project can be imported by their path. A machine
 * without an adapter fails the test: GPU tests are never skipped.
 */
export const test = base.extend<{ gpu: Page }>({
  gpu: async ({ baseURL }, use) => {
    const { page, close } = await openPage(await installChrome(), `${baseURL}/harness/worker/index.html`);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await use(page);
    await close();
    expect(errors).toEqual([]);
  },
});
