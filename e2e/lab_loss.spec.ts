import type { Page } from 'playwright/test';
import { expect as impatient, test } from './gpu.ts';
import { smallModel } from '../tests/helpers/small_model.ts';

test.describe.configure({ timeout: 120_000 });
const expect = impatient.configure({ timeout: 60_000 });

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** The lab with the small model, which remembers the devices that it opens. */
async function open(page: Page, baseURL: string | undefined): Promise<void> {
  await page.addInitScript(() => {
    const devices: GPUDevice[] = [];
    const original = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await original.call(this, descriptor);
      devices.push(device);
      return device;
    };
    Object.assign(globalThis, { devices });
  });
  await page.goto(`${baseURL}/`);
  const buffer = Buffer.from(await smallModel());
  await page.locator('#model-file').setInputFiles({ name: 'small.onnx', mimeType: '', buffer });
  await expect(page.locator('.tensors tbody tr').first()).toBeVisible();
}

/** Destroys the first device, which is the lab's, or the last, which is that of a tuning. */
const lose = (page: Page, which: 0 | -1) =>
  page.evaluate((which) => (globalThis as unknown as { devices: GPUDevice[] }).devices.at(which)!.destroy(), which);

async function startTuning(page: Page): Promise<void> {
  await page.getByText('Speed on this GPU').press('Enter');
  await button(page, 'Tune for this GPU').click();
  await expect(page.locator('#tuning-state')).toContainText(/[2-9] of \d+/);
}

/** What is left of a tuning whose device was lost, and that it goes on. */
async function goesOn(page: Page): Promise<void> {
  await expect(page.locator('#notice')).toContainText('Trouble with the GPU');
  await expect(page.locator('#notice')).toContainText(/lost/);
  await expect(page.getByRole('progressbar')).toBeHidden();
  await expect(page.locator('#tuning-state')).not.toContainText(/\d of \d+:/);
  await button(page, 'Go on tuning').click();
  await expect(page.locator('#tuning-state')).toContainText(/[3-9] of \d+/);
  await expect(page.locator('#notice')).toBeEmpty();
}

test('the device of a tuning is lost: it is said, what was found is kept, and the tuning goes on', async ({
  gpu,
  baseURL,
}) => {
  await open(gpu, baseURL);
  await startTuning(gpu);
  await lose(gpu, -1);
  await goesOn(gpu);
});

test("the lab's device is lost: while it tunes, and while nothing is done", async ({ gpu, baseURL }) => {
  await open(gpu, baseURL);
  await startTuning(gpu);
  await lose(gpu, 0);
  await goesOn(gpu);

  await button(gpu, 'Stop').click();
  await expect(gpu.getByRole('progressbar')).toBeHidden();
  await gpu.evaluate(() => (globalThis as unknown as { devices: GPUDevice[] }).devices.forEach((one) => one.destroy()));
  await expect(gpu.locator('#notice')).toContainText('The GPU was lost');
  await button(gpu, 'Try again').click();
  await expect(gpu.locator('.tensors tbody tr').first()).toBeVisible();
  await expect(gpu.locator('#notice')).toBeEmpty();
});

test('the GPU process crashes while it tunes: it goes on with another one', async ({ alone, baseURL }) => {
  await open(alone, baseURL);
  await startTuning(alone);
  const devtools = await alone.context().browser()!.newBrowserCDPSession();
  // the answer may go down with the process
  await devtools.send('Browser.crashGpuProcess').catch(() => undefined);
  await goesOn(alone);
});
