import { test as base, expect, type Page } from 'playwright/test';
import { installChrome } from '../harness/chrome/install.ts';
import { openPage } from '../harness/chrome/launch.ts';

export { expect };

const open = async (baseURL: string | undefined) =>
  openPage(await installChrome(), `${baseURL}/harness/worker/index.html`);

/** Lets a test have a page, and fails it where the page has an error that nobody caught. */
async function lend(page: Page, use: (page: Page) => Promise<void>): Promise<void> {
  const errors: string[] = [];
  const keep = (error: Error): unknown => errors.push(error.message);
  page.on('pageerror', keep);
  await use(page);
  page.off('pageerror', keep);
  expect(errors).toEqual([]);
}

interface Pages {
  /** A page of the test's own. */
  readonly gpu: Page;
  /** A page that tests have one after the other: for those that leave nothing in it. */
  readonly kept: Page;
  /** A page in a browser of the test's own: for tests that crash its GPU process. */
  readonly alone: Page;
}

/**
 * Pages with a WebGPU adapter, in which modules of this project can be imported by their path. A machine without an
 * adapter fails the test: GPU tests are never skipped. Tests that run one after the other share a browser, and a test
 * that fails ends it.
 */
export const test = base.extend<Pages, { shared: Page }>({
  shared: [
    async ({ playwright: _ }, use, { project }) => {
      const { page, close } = await open(project.use.baseURL);
      await use(page);
      await close();
    },
    { scope: 'worker' },
  ],
  gpu: async ({ shared }, use) => {
    const context = await shared.context().browser()!.newContext();
    const page = await context.newPage();
    await page.goto(shared.url());
    await lend(page, use);
    await context.close();
  },
  kept: async ({ shared }, use) => lend(shared, use),
  alone: async ({ baseURL }, use) => {
    const { page, close } = await open(baseURL);
    await lend(page, use);
    await close();
  },
});
