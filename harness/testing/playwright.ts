import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect as baseExpect, test as base, type Page } from 'playwright/test';
import { installChrome } from '../chrome/install.ts';
import { openPage, type Adapter, type OpenPage } from '../chrome/launch.ts';
import { matchers } from './matchers.ts';

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

/** Lets a test have a page, and fails it where the page has an error that nobody caught. */
export async function lend(page: Page, use: (page: Page) => Promise<void>): Promise<void> {
  const errors: string[] = [];
  const keep = (error: Error): unknown => errors.push(error.message);
  page.on('pageerror', keep);
  await use(page);
  page.off('pageerror', keep);
  if (errors.length > 0) throw new Error(`errors in the page that nobody caught:\n${errors.join('\n')}`);
}

/** WebGPU is for pages of secure origins, and 127.0.0.1 is one. */
async function serveEmptyPage(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Opens headless Chrome on a page; on Debian, as root, one is installed where there is none. @throws NoBrowserError */
export async function openBrowser(baseURL: string | undefined, path: string): Promise<OpenPage> {
  const chrome = await installChrome();
  if (baseURL !== undefined) return openPage(chrome, `${baseURL}${path}`);
  const server = await serveEmptyPage();
  const opened = await openPage(chrome, server.url).catch((error: unknown) => {
    server.close();
    throw error;
  });
  return {
    ...opened,
    close: async () => {
      await opened.close();
      server.close();
    },
  };
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

/** Playwright's `expect`, with `toEqualBits`. */
export const expect = baseExpect.extend(matchers);
