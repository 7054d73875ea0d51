import type { Page } from 'playwright/test';
import { expect as impatient, test } from './gpu.ts';
import { smallModel } from '../tests/helpers/small_model.ts';

test.describe.configure({ timeout: 180_000 });
const expect = impatient.configure({ timeout: 90_000 });

const state = (page: Page) => page.locator('#tuning-state');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const kept = (page: Page) => page.evaluate(() => Object.entries(localStorage));

async function chooseSmallModel(page: Page): Promise<void> {
  await page
    .locator('#model-file')
    .setInputFiles({ name: 'small.onnx', mimeType: '', buffer: Buffer.from(await smallModel()) });
  await expect(page.locator('.tensors tbody tr').first()).toBeVisible();
}

async function open(page: Page, baseURL: string | undefined): Promise<void> {
  await page.goto(`${baseURL}/`);
  await chooseSmallModel(page);
  await page.getByText('Speed on this GPU').press('Enter');
}

const kernelOf = (page: Page, layer: string) =>
  page.locator('.tensors tbody tr:not(.details)', { has: page.getByRole('button', { name: layer, exact: true }) });

test('a model is tuned, the browser keeps it, and computes by it until it is removed, and not by what is no tuning', async ({
  gpu,
  baseURL,
}) => {
  await open(gpu, baseURL);
  await button(gpu, 'Tune for this GPU').press('Enter');
  await expect(gpu.getByRole('progressbar')).toBeVisible();
  await expect(state(gpu)).toContainText(/Tuned \([-\d]+, Chrome [\d.]+\): [\d.]+ ms untuned, [\d.]+ ms tuned/);
  await expect(gpu.locator('#heat-map .heat').first().locator('tbody tr')).toHaveCount(5);
  await expect(gpu.locator('#heat-map .wrong')).toHaveCount(0);
  const profile = await gpu.getByRole('link', { name: 'Save the profile' }).getAttribute('href');
  expect(await gpu.evaluate(async (url) => Object.keys(await (await fetch(url!)).json()), profile)).toContain('kinds');

  // another choice of kernel in what is kept: the page computes by it
  await expect(kernelOf(gpu, 'expand')).not.toContainText('pointwise');
  await gpu.evaluate(() => {
    const [[key, text]] = Object.entries(localStorage) as [[string, string]];
    const file = JSON.parse(text);
    for (const { geometry, kind } of file.layers)
      if (kind === 'pointwise') file.profile.layers = { ...file.profile.layers, [geometry]: { variant: 'pointwise' } };
    file.profile.fusion = 'none';
    localStorage.setItem(key, JSON.stringify(file));
  });
  await open(gpu, baseURL);
  await expect(state(gpu)).toContainText('ms tuned');
  await expect(kernelOf(gpu, 'expand')).toContainText('pointwise');

  await gpu.setViewportSize({ width: 390, height: 844 });
  const [content, viewport] = await gpu.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(content).toBeLessThanOrEqual(viewport!);

  const [[key]] = (await kept(gpu)) as [[string, string]];
  await button(gpu, 'Remove the tuning').click();
  await expect(state(gpu)).toContainText('usually fast');
  expect(await kept(gpu)).toEqual([]);
  await expect(kernelOf(gpu, 'expand')).not.toContainText('pointwise');

  // what is kept and is no tuning is not used, and said
  await gpu.evaluate((key) => localStorage.setItem(key, '{"layers":'), key);
  await open(gpu, baseURL);
  await expect(state(gpu)).toContainText('is no tuning');
  await expect(button(gpu, 'Tune for this GPU')).toBeVisible();
  await button(gpu, 'Remove the tuning').click();
  await expect(state(gpu)).not.toContainText('is no tuning');
  expect(await kept(gpu)).toEqual([]);
});

test('a kernel that is wrong is refused, by name; a tuning that was stopped goes on', async ({ gpu, baseURL }) => {
  let planted = 0;
  await gpu.route(/\/depthwise\.wgsl/, async (route) => {
    const response = await route.fetch();
    const right = 'group) * w;';
    const body = await response.text();
    planted += Number(body.includes(right));
    await route.fulfill({ response, body: body.replace(right, 'group) * (w + 1);') });
  });
  await open(gpu, baseURL);
  await button(gpu, 'Tune for this GPU').click();
  await expect(gpu.getByRole('progressbar')).toBeVisible();
  await button(gpu, 'Stop').click();
  await expect(state(gpu)).toContainText('Tuned in part');
  await button(gpu, 'Go on tuning').click();
  await expect(state(gpu)).toContainText('ms tuned');
  await expect(gpu.getByRole('list', { name: 'Refused' })).toContainText(
    /Refused: depthwise gives \d+ wrong values in depthwise/,
  );
  expect(planted).toBe(1);
});
