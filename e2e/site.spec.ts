import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright/test';
import { chosen } from '../tests/helpers/long.ts';
import { expect, test } from './gpu.ts';
import { COLOR_SCHEMES, faultsOf, WIDTHS } from './looked_at.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};
/** Nothing of the site knows where it stands. */
const PATH = '/some/where/';

let root: string;
let server: Server;
let address: string;

test.describe.configure({ mode: 'default', timeout: 300_000 });

test.beforeAll(async () => {
  root = join(test.info().project.outputDir, `site-${process.pid}`);
  await promisify(execFile)(process.execPath, ['scripts/site.js', root]);
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://host');
    const path = decodeURIComponent(pathname.slice(PATH.length));
    const file = join(root, path === '' || path.endsWith('/') ? `${path}index.html` : path);
    const found = pathname.startsWith(PATH) && existsSync(file) && statSync(file).isFile();
    response.writeHead(found ? 200 : 404, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
    response.end(found ? readFileSync(file) : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
});

test.afterAll(() => server?.close());

const pages = (): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).filter(
    (name) => name.endsWith('.html') && !name.startsWith('lab/'),
  );

/** A page in a window of its own; what it asks other hosts for, and what it complains of, is noted. */
async function open(gpu: Page, options: Parameters<Browser['newContext']>[0] = {}) {
  const context = await gpu.context().browser()!.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(data|blob):/.test(url)) complaints.push(`asks for ${url}`);
  });
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

test('every link of every page leads to what there is, under any path', async ({ gpu }) => {
  const { context, page, complaints } = await open(gpu);
  const found: Record<string, { ids: Set<string>; links: string[] }> = {};
  for (const name of pages()) {
    await page.goto(address + name);
    const { ids, links } = await page.evaluate(() => ({
      ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      links: [...document.querySelectorAll('a[href]')].map((a) => (a as HTMLAnchorElement).href),
    }));
    found[address + name] = { ids: new Set(ids), links };
  }
  const wrong: string[] = [];
  for (const [name, { links }] of Object.entries(found))
    for (const href of links) {
      const url = new URL(href);
      if (!href.startsWith(address)) continue;
      const [target, anchor] = [url.href.replace(/#.*/, ''), decodeURIComponent(url.hash.slice(1))];
      if (!existsSync(join(root, decodeURIComponent(target.slice(address.length))))) wrong.push(`${name}: ${href}`);
      else if (anchor && found[target] && !found[target].ids.has(anchor)) wrong.push(`${name}: ${href}`);
    }
  expect(wrong).toEqual([]);
  expect(complaints).toEqual([]);
  expect(Object.keys(found).length).toBeGreaterThan(25);
  await context.close();
});

/** Each kind of page: of text and tables, of drawings, of code alone; the lab. */
const LOOKED_AT = ['index.html', 'proof.html', 'api.html', 'engines.html', 'lab/index.html'];

for (const colorScheme of COLOR_SCHEMES)
  test(`${colorScheme}: axe finds nothing, and nothing is wider than the screen`, async ({ gpu }) => {
    for (const width of WIDTHS) {
      const { context, page } = await open(gpu, { colorScheme, viewport: { width, height: 900 } });
      for (const name of chosen(LOOKED_AT, pages())) {
        await page.goto(address + name);
        // the lab is ready where it shows its parts
        if (name.startsWith('lab/')) await page.locator('#lab:not([hidden])').waitFor();
        expect(await faultsOf(page), `${name}, ${width} px`).toEqual([]);
      }
      await context.close();
    }
  });

test('the keyboard: past the navigation, along it, and to tables that are scrolled', async ({ gpu }) => {
  const { context, page } = await open(gpu, { viewport: { width: 1024, height: 768 } });
  await page.goto(`${address}engines.html`);
  const focused = () => page.evaluate(() => document.activeElement!.textContent!.trim().slice(0, 40));
  const unreachable = () =>
    page.evaluate(
      () => [...document.querySelectorAll('pre, .scroll')].filter((one) => (one as HTMLElement).tabIndex < 0).length,
    );
  expect(await unreachable()).toBe(0);
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the text');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
  expect(await focused()).toBe('exact8');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${address}start/accelerator.html`);
  expect(await unreachable()).toBe(0);
  // last, for a reload of an address with a fragment begins there, sooner or later
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the text');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement!.id)).toBe('content');
  await context.close();
});

test('without a network, after a first visit: pages that were not opened, and the lab if it was', async ({ gpu }) => {
  const { context, page, complaints } = await open(gpu);
  await page.goto(`${address}start/web.html`);
  await page.goto(`${address}lab/index.html`);
  await page.locator('#lab:not([hidden])').waitFor();
  // the worker has what it was told of
  await page.evaluate(() => navigator.serviceWorker.ready);
  const missing = () =>
    page.evaluate(async () => {
      const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
      const kept = await Promise.all([location.href, ...loaded].map((name) => caches.match(name)));
      return kept.filter((one) => one === undefined).length;
    });
  await expect.poll(missing, { timeout: 30_000 }).toBe(0);
  await context.setOffline(true);
  await page.goto(`${address}results/exactness.html`);
  expect(await page.locator('h1').textContent()).not.toBe('');
  await page.goto(`${address}lab/index.html`);
  await page.locator('#lab:not([hidden])').waitFor();
  expect(complaints).toEqual([]);
  await context.close();
});
