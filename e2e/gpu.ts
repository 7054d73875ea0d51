import { expect, type Page } from 'playwright/test';
import { lend, openBrowser, test as base } from '../harness/testing/playwright.ts';

export { expect };

const PATH = '/harness/worker/index.html';

interface Pages {
  /** A page that tests have one after the other: for those that leave nothing in it. */
  readonly kept: Page;
  /** A page in a browser of the test's own: for tests that crash its GPU process. */
  readonly alone: Page;
}

/** Pages in which modules of this project can be imported by their path. */
export const test = base.extend<Pages>({
  gpuPath: [PATH, { scope: 'worker' }],
  kept: async ({ browserWithGpu }, use) => lend(browserWithGpu.page, use),
  alone: async ({ baseURL }, use) => {
    const { page, close } = await openBrowser(baseURL, PATH);
    await lend(page, use);
    await close();
  },
});
