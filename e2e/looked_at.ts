import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright/test';
import { installChrome } from '../harness/chrome/install.ts';

/** CSS pixels: a telephone, a tablet, a large screen. */
export const WIDTHS = [390, 1024, 1920];
export const COLOR_SCHEMES = ['light', 'dark'] as const;

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

/** What axe finds in a page as it is, and whether the page is wider than its window. */
export async function faultsOf(page: Page): Promise<string[]> {
  return page
    .evaluate(async (axe) => {
      // past the page's own policy, as the tool that it is
      new Function(axe)();
      const { run } = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        }
      ).axe;
      const faults = (await run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
      const wider = document.documentElement.scrollWidth - window.innerWidth;
      return wider > 0 ? [...faults, `${wider} px wider than the window`] : faults;
    }, axe)
    .catch((error: unknown) => [String(error)]);
}

/** {@link faultsOf} a report, a file of its own, at each width, light and dark. */
export async function faultsOfReport(file: string): Promise<string[]> {
  const browser = await chromium.launch({ executablePath: await installChrome(), args: ['--no-sandbox'] });
  const faults: string[] = [];
  for (const colorScheme of COLOR_SCHEMES)
    for (const width of WIDTHS) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      await page.goto(pathToFileURL(file).href);
      faults.push(...(await faultsOf(page)).map((fault) => `${colorScheme}, ${width} px: ${fault}`));
      await page.close();
    }
  await browser.close();
  return faults;
}
