import type { Page } from 'playwright/test';

type Library = typeof import('../src/index.ts');
export type Models = typeof import('../tests/helpers/small_onnx.ts');
type Device = typeof import('../src/gpu/device.ts');
export type Session = import('../src/session/session.ts').InferenceSession;

/** What the tests in the page use: `make` opens a small model on a device, or on one of its own. */
export async function install(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const library = (await import('/src/index.ts' as string)) as Library;
    const { smallQOperatorModel } = (await import('/tests/helpers/small_onnx.ts' as string)) as Models;
    const { requestDevice } = (await import('/src/gpu/device.ts' as string)) as Device;
    const pixels = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i) * 5);
    const feeds = { x: new library.Tensor('float32', pixels, [1, 3, 8, 8]) };
    const make = (device?: GPUDevice) =>
      library.InferenceSession.create(smallQOperatorModel(), device ? { device } : {});
    /** The error's class and message; or the output. */
    const outcome = async (work: () => Promise<Record<string, { data: unknown }>>): Promise<string> => {
      try {
        return String((await work())['y']!.data);
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
    };
    Object.assign(globalThis, { exact8: { ...library, requestDevice, feeds, make, outcome } });
  });
}

interface InPage extends Library, Device {
  readonly feeds: Record<string, InstanceType<Library['Tensor']>>;
  make(device?: GPUDevice): Promise<Session>;
  outcome(work: () => Promise<Record<string, { data: unknown }>>): Promise<string>;
}
declare global {
  var exact8: InPage;
}

/** Of the small model. */
export const OUTPUT = /^-?[\d.]+(,-?[\d.]+){3}$/;
