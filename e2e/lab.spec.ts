import type { Page } from 'playwright/test';
import { expect as impatient, test } from './gpu.ts';

/** A network is opened, run and compared in the time of one expectation. */
const expect = impatient.configure({ timeout: 60_000 });

/** Drops a file on the page, as from the person's desktop. */
const drop = (page: Page, name: string, content: string) =>
  page.evaluate(
    ({ name, content }) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content], name));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    },
    { name, content },
  );

const widths = (page: Page) => page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);

test('the example picture with the default model: Neutral, and every element equal', async ({ gpu, baseURL }) => {
  await gpu.goto(`${baseURL}/`);
  await gpu.getByRole('button', { name: 'Use the example picture' }).click();
  const verdict = gpu.locator('#verdict .verdict');
  await expect(verdict).toContainText('equal, bit for bit, to onnxruntime-web');
  await expect(verdict).toHaveAttribute('data-equal', 'yes');
  await expect(gpu.locator('.classes tr').first()).toContainText('Neutral');
  const rows = gpu.locator('.tensors tbody tr:not(.details)');
  expect(await rows.count()).toBeGreaterThan(60);
  for (const cell of await rows.locator('.mismatches').allTextContents()) expect(cell).toBe('0');
  await expect(gpu.locator('.tensors tfoot')).toContainText('299,855,360');

  const row = gpu.getByRole('button', { name: 'Conv1', exact: true });
  await row.press('Enter');
  await expect(row).toHaveAttribute('aria-expanded', 'true');
  await expect(gpu.locator('.details:visible')).toContainText('none: all 401,408 elements are equal');
  await expect(gpu.locator('.details:visible canvas')).toHaveCount(8);

  await gpu.setViewportSize({ width: 390, height: 844 });
  const [content, viewport] = await widths(gpu);
  expect(content).toBeLessThanOrEqual(viewport!);
});

test('a kernel that is wrong at one element is named', async ({ gpu, baseURL }) => {
  let planted = 0;
  await gpu.route(/\/global_average_pool\.wgsl/, async (route) => {
    const response = await route.fetch();
    const right = 'sums - vec4<i32>(i32(geometry.pixels';
    const wrong = 'vec4<i32>(0, select(0, 10000, index == 5u), 0, 0) + sums - vec4<i32>(i32(geometry.pixels';
    const body = await response.text();
    planted += Number(body.includes(right));
    await route.fulfill({ response, body: body.replace(right, wrong) });
  });
  await gpu.goto(`${baseURL}/`);
  await gpu.getByRole('button', { name: 'Use the example picture' }).click();
  await expect(gpu.locator('#verdict .verdict')).toContainText('differ from onnxruntime-web');
  expect(planted).toBe(1);
  const wrong = gpu.locator('.tensors tr[data-equal="no"]').first();
  await expect(wrong).toContainText('GlobalAveragePool');
  await wrong.getByRole('button').click();
  // word 5 holds channels 20 to 23
  await expect(gpu.locator('.details:visible')).toContainText('at [0, 21, 0, 0]');
});

test('a text file dropped as a model: an error that says so, and the lab goes on', async ({ gpu, baseURL }) => {
  await gpu.goto(`${baseURL}/`);
  await expect(gpu.locator('#lab')).toBeVisible();
  await drop(gpu, 'model.onnx', 'hello\n');
  await expect(gpu.getByRole('alert')).toContainText('text file');
  await gpu.getByRole('button', { name: 'Use the default model' }).click();
  await expect(gpu.getByRole('alert')).toBeEmpty();
  await expect(gpu.locator('.tensors tbody tr').first()).toBeVisible();
});

test('labels that are not as many as the classes are left out, and a wrong file leaves the results', async ({
  gpu,
  baseURL,
}) => {
  await gpu.setViewportSize({ width: 1024, height: 900 });
  await gpu.goto(`${baseURL}/`);
  await expect(gpu.locator('#lab')).toBeVisible();
  await drop(gpu, 'labels.txt', 'one\ntwo\n');
  await gpu.getByRole('button', { name: 'Use the example picture' }).click();
  await expect(gpu.getByRole('alert')).toContainText('2 labels, one a line, and the model 5 classes');
  await gpu.getByRole('button', { name: 'Use the example picture' }).click();
  await expect(gpu.locator('.classes tr').first()).toContainText('Neutral');
  const verdict = gpu.locator('#verdict .verdict');
  await expect(verdict).toHaveAttribute('data-equal', 'yes');
  // all columns, the last one too
  const [content, seen] = await gpu.locator('.scroll').evaluate((e) => [e.scrollWidth, e.clientWidth]);
  expect(content).toBeLessThanOrEqual(seen!);

  await drop(gpu, 'model.onnx', 'hello\n');
  await expect(gpu.getByRole('alert')).toContainText('text file');
  await expect(verdict).toHaveAttribute('data-equal', 'yes');
  await expect(gpu.locator('.classes tr').first()).toContainText('Neutral');
  await expect(gpu.locator('.model-name')).not.toContainText('model.onnx');
});

test('the drop zone is a button: Enter opens the chooser', async ({ gpu, baseURL }) => {
  // before the page is there: Playwright takes a while to intercept choosers
  const chooser = gpu.waitForEvent('filechooser');
  await gpu.goto(`${baseURL}/`);
  await gpu.getByRole('button', { name: /Drop a picture or a model/ }).press('Enter');
  expect((await chooser).isMultiple()).toBe(true);
});

test('without WebGPU the page says what to do', async ({ gpu, baseURL }) => {
  await gpu.addInitScript(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  await gpu.goto(`${baseURL}/`);
  await expect(gpu.getByRole('alert')).toContainText('This browser has no WebGPU. Chrome and Edge have it');
});

test.describe('a generated case has an address', () => {
  test('its result is shown, at the width of a phone too', async ({ gpu, baseURL }) => {
    await gpu.setViewportSize({ width: 390, height: 844 });
    await gpu.goto(`${baseURL}/?case=fbgemm-avx2/1/3`);
    const place = gpu.locator('#case');
    await expect(place.locator('.verdict').first()).toContainText('equal, bit for bit, to the host reference');
    await expect(place).toContainText('Case fbgemm-avx2/1/3');
    await expect(place).toContainText('Conv uint8');
    const [content, viewport] = await widths(gpu);
    expect(content).toBeLessThanOrEqual(viewport!);
    await gpu.getByRole('link', { name: 'next case' }).click();
    await expect(place).toContainText('Case fbgemm-avx2/1/4');
  });

  test('one that differs shows its first mismatch', async ({ gpu, baseURL }) => {
    await gpu.route(/\/output\/codes\.wgsl/, async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace('^ OUTPUT_SIGN', '^ OUTPUT_SIGN ^ 1u');
      await route.fulfill({ response, body });
    });
    await gpu.goto(`${baseURL}/?case=onnxruntime/1/0`);
    await expect(gpu.locator('#case')).toContainText(
      /output \[0, 0, 0, 0\]: -?\d+ expected, -?\d+ computed, accumulator -?\d+/,
    );
    await expect(gpu.locator('#case .verdict').first()).toHaveAttribute('data-equal', 'no');
    const failure = await gpu.locator('#case').textContent();
    const [, expected, computed] =
      /output \[0, 0, 0, 0\]: (-?\d+) expected, (-?\d+) computed/.exec(failure ?? '') ?? [];
    await gpu.getByRole('button', { name: 'Take this element apart' }).first().press('Enter');
    const element = gpu.locator('#case .element').first();
    await expect(element).toContainText(new RegExp(`theirs\\s+${computed}`));
    await expect(element).toContainText(new RegExp(`onnxruntime gives\\s+${expected}`));
    await expect(element.getByRole('region', { name: 'Under every engine' })).toContainText('= reference');
    await expect(element).toContainText(`${computed} (theirs): `);
  });

  test('an engine that there is not: the ones that there are', async ({ gpu, baseURL }) => {
    await gpu.goto(`${baseURL}/?case=nothing/1/0`);
    await expect(gpu.getByRole('alert')).toContainText(/'nothing'; supported: onnxruntime, .*qnnpack/);
  });
});
