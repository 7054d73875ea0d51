import { DeviceError } from '../../src/errors.ts';
import { NoBrowserError } from '../chrome/errors.ts';
import { requestAdapter, type Adapter, type AdapterChoice } from '../chrome/launch.ts';
import { DRIVER_ADVICE, driversFor } from '../process/drivers.ts';
import { requireFirefox } from './install.ts';

/** What is used of a page of puppeteer-core's. */
export interface FirefoxPage {
  goto(url: string): Promise<{ ok(): boolean; status(): number } | null>;
  evaluate<A extends unknown[], R>(run: (...args: A) => R, ...args: A): Promise<Awaited<R>>;
  on(event: 'pageerror', listener: (error: Error) => void): unknown;
  off(event: 'pageerror', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** What is used of puppeteer-core: the caller brings it, in the version that he has. */
export interface Puppeteer<P extends FirefoxPage = FirefoxPage> {
  launch(options: object): Promise<{
    newPage(): Promise<P>;
    version(): Promise<string>;
    close(): Promise<void>;
  }>;
}

export interface OpenFirefox<P extends FirefoxPage> {
  readonly page: P;
  readonly adapter: Adapter;
  /** The browser's name and version. */
  readonly version: string;
  /** What to make of an error of the page's: a browser that has ended is trouble with the device. */
  readonly ended: (error: Error) => never;
  /** Another page of the same URL. */
  another(): Promise<P>;
  close(): Promise<void>;
}

/** WebGPU is off in releases for Linux, and a software driver is on a list of what is not to be used. */
const PREFERENCES = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

/**
 * Opens a page in headless Firefox, a fresh process with a fresh profile, driven over WebDriver BiDi, and asks it for a
 * WebGPU adapter.
 *
 * @param url of a secure origin: WebGPU is for no others
 * @throws NoBrowserError where there is no Firefox or driver, it does not start, or it gives no adapter
 */
export async function openFirefox<P extends FirefoxPage>(
  puppeteer: Puppeteer<P>,
  url: string,
  choice: AdapterChoice = 'auto',
): Promise<OpenFirefox<P>> {
  const executable = requireFirefox();
  for (const driver of driversFor(choice)) {
    const browser = await puppeteer
      .launch({
        browser: 'firefox',
        executablePath: executable,
        headless: true,
        extraPrefsFirefox: PREFERENCES,
        // the sandbox of the process for the GPU keeps a software driver from compiling its shaders
        env: { ...process.env, MOZ_DISABLE_GPU_SANDBOX: '1', ...(driver && { VK_DRIVER_FILES: driver }) },
        // who waits decides how long
        protocolTimeout: 0,
        ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
      })
      .catch((error: Error) => {
        throw new NoBrowserError(`${executable} does not start: ${error.message}`);
      });
    const close = (): Promise<void> => browser.close();
    const another = async (): Promise<P> => {
      const page = await browser.newPage();
      const response = await page.goto(url);
      if (!response?.ok()) throw new Error(`${url}: ${response?.status()}`);
      return page;
    };
    try {
      const page = await another();
      const adapter = await page.evaluate(requestAdapter);
      const version = (await browser.version()).replace('firefox/', 'Firefox ');
      const ended = (error: Error): never => {
        if (!/closed|detached|discarded/i.test(error.message)) throw error;
        throw new DeviceError(`${executable} ended while it computed: ${error.message.split('\n')[0]}`);
      };
      if (adapter) return { page, adapter, version, ended, another, close };
    } catch (error) {
      await close();
      throw error;
    }
    await close();
  }
  throw new NoBrowserError(
    `${executable} gives no WebGPU adapter: Firefox 141 or newer is needed, and a Vulkan driver. ${DRIVER_ADVICE.llvmpipe}`,
  );
}
