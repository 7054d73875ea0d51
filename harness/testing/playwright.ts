import { expect as baseExpect, test as base, type Page } from 'playwright/test';
import { installChrome } from '../chrome/install.ts';
import { openPage, type Adapter, type OpenPage } from '../chrome/launch.ts';
import { openFirefox, type FirefoxPage, type OpenFirefox, type Puppeteer } from './firefox.ts';
import { matchers } from './matchers.ts';
import { onPage } from './served.ts';

interface Fixtures {
  /**
   * A page of its own, in a browser that tests have one after the other, with a WebGPU adapter: the machine's GPU, or
   * SwiftShader where there is none. Without an adapter the test fails: it is never skipped. So it does where the page has
   * an error that nobody caught.
   */
  readonly gpu: Page;
  /** What the page computes on. */
  readonly adapter: Adapter;
}

interface WorkerFixtures {
  /** Where the page is: a path below `baseURL`. Without a `baseURL` it is empty. */
  readonly gpuPath: string;
  readonly browserWithGpu: OpenPage;
}

/** What tells of errors: a page of Playwright's or Puppeteer's. */
interface Watched {
  on(event: 'pageerror', listener: (error: Error) => void): unknown;
  off(event: 'pageerror', listener: (error: Error) => void): unknown;
}

/** Lets a test have a page, and fails it where the page has an error that nobody caught. */
export async function lend<P extends Watched>(page: P, use: (page: P) => Promise<void>): Promise<void> {
  const errors: string[] = [];
  const keep = (error: Error): void => void errors.push(error.message);
  page.on('pageerror', keep);
  await use(page);
  page.off('pageerror', keep);
  if (errors.length > 0) throw new Error(`errors in the page that nobody caught:\n${errors.join('\n')}`);
}

/** Opens headless Chrome on a page; on Debian, as root, one is installed where there is none. @throws NoBrowserError */
export async function openBrowser(baseURL: string | undefined, path: string): Promise<OpenPage> {
  const chrome = await installChrome();
  return onPage(baseURL === undefined ? undefined : `${baseURL}${path}`, (url) => openPage(chrome, url));
}

/** Playwright's `test`, with pages that compute on WebGPU in headless Chrome. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  gpuPath: ['', { option: true, scope: 'worker' }],
  browserWithGpu: [
    async ({ playwright: _, gpuPath }, use, { project }) => {
      const opened = await openBrowser(project.use.baseURL, gpuPath);
      await use(opened);
      await opened.close();
    },
    { scope: 'worker' },
  ],
  gpu: async ({ browserWithGpu: { page: first } }, use) => {
    const context = await first.context().browser()!.newContext();
    const page = await context.newPage();
    await page.goto(first.url());
    await lend(page, use);
    await context.close();
  },
  adapter: async ({ browserWithGpu }, use) => use(browserWithGpu.adapter),
});

/**
 * Playwright's `test`, with pages of Puppeteer's that compute on WebGPU in headless Firefox: Playwright does not drive the
 * Firefox that is installed. Without Firefox or an adapter a test fails.
 *
 * @param puppeteer what `puppeteer-core` exports
 */
export const firefoxTest = <P extends FirefoxPage>(puppeteer: Puppeteer<P>) =>
  base.extend<
    { readonly gpu: P; readonly adapter: Adapter },
    { readonly gpuPath: string; readonly browserWithGpu: OpenFirefox<P> }
  >({
    gpuPath: ['', { option: true, scope: 'worker' }],
    browserWithGpu: [
      async ({ gpuPath }, use, { project }) => {
        const { baseURL } = project.use;
        const opened = await openFirefox(puppeteer, baseURL === undefined ? undefined : `${baseURL}${gpuPath}`);
        await use(opened);
        await opened.close();
      },
      { scope: 'worker' },
    ],
    gpu: async ({ browserWithGpu }, use) => {
      const page = await browserWithGpu.another();
      await lend(page, use);
      await page.close();
    },
    adapter: async ({ browserWithGpu }, use) => use(browserWithGpu.adapter),
  });

/** Playwright's `expect`, with `toEqualBits`. */
export const expect = baseExpect.extend(matchers);
