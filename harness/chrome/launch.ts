import type { Browser, Page } from 'playwright';
import { DeviceError, InvalidInputError } from '../../src/errors.ts';
import { NoBrowserError } from './errors.ts';

/** 'auto': the machine's GPU, or SwiftShader (software) where there is none. llvmpipe is not for Chrome. */
export const ADAPTER_CHOICES = ['auto', 'swiftshader', 'llvmpipe'] as const;
export type AdapterChoice = (typeof ADAPTER_CHOICES)[number];

export interface Adapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A software adapter. */
  readonly fallback: boolean;
}

export interface OpenPage {
  readonly page: Page;
  readonly adapter: Adapter;
  /** The browser's name and version. */
  readonly version: string;
  close(): Promise<void>;
}

const FLAGS = [
  '--enable-unsafe-webgpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** On Linux, WebGPU reaches a GPU through Vulkan. */
const GPU_FLAGS = process.platform === 'linux' ? ['--enable-features=Vulkan'] : [];
const SOFTWARE_FLAGS = ['--use-webgpu-adapter=swiftshader'];

/**
 * Opens a page in headless Chrome, a fresh process with a fresh profile, and asks it for a WebGPU adapter.
 *
 * @param flags of Chrome, besides those that WebGPU needs
 * @throws NoBrowserError where the browser does not start, or gives no adapter; InvalidInputError for llvmpipe.
 */
export async function openPage(
  executable: string,
  url: string,
  choice: AdapterChoice = 'auto',
  flags: readonly string[] = [],
): Promise<OpenPage> {
  if (choice === 'llvmpipe')
    throw new InvalidInputError('Chrome does not run on llvmpipe; --webgpu firefox and --webgpu deno do');
  const attempts = choice === 'auto' ? [GPU_FLAGS, SOFTWARE_FLAGS] : [SOFTWARE_FLAGS];
  for (const adapterFlags of attempts) {
    const browser = await launch(executable, [...FLAGS, ...flags, ...adapterFlags]);
    try {
      const page = await browser.newPage();
      const response = await page.goto(url);
      if (!response?.ok()) throw new Error(`${url}: ${response?.status()} ${response?.statusText()}`);
      const adapter = await page.evaluate(requestAdapter);
      const version = `Chrome ${browser.version()}`;
      if (adapter) return { page, adapter, version, close: () => browser.close() };
    } catch (error) {
      await browser.close();
      throw error;
    }
    await browser.close();
  }
  throw new NoBrowserError(`${executable} gives no WebGPU adapter; Chrome 113 or newer is needed`);
}

/**
 * What to make of an error of a page's: a browser that was killed, that ran out of memory or whose page crashed is
 * trouble with the device.
 */
export function orEnded(executable: string): (error: Error) => never {
  return (error) => {
    if (!/has been closed|crashed/.test(error.message)) throw error;
    throw new DeviceError(`${executable} ended while it computed: ${error.message.split('\n')[0]}`);
  };
}

export function describeAdapter({ vendor, architecture, description, fallback }: Adapter): string {
  const name = [vendor, architecture, description].filter(Boolean).join(' ') || 'an unnamed adapter';
  return fallback ? `${name} (software)` : name;
}

async function launch(executablePath: string, args: string[]): Promise<Browser> {
  // it takes longer to load than all else of a command
  const { chromium } = await import('playwright');
  // The Chrome sandbox does not start as root, so Playwright leaves it off unless asked.
  // Signals are the command's own matter: whoever it exits by, Playwright kills what it started.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  return chromium.launch({ executablePath, args, ...signals }).catch((error: Error) => {
    // Playwright's message is long; what the browser itself complained of is marked.
    const [summary, ...log] = error.message.split('\n');
    const complaints = log.filter((line) => line.includes('[err]'));
    throw new NoBrowserError([`${executablePath} does not start: ${summary}`, ...complaints].join('\n'));
  });
}

/** Runs in the page. */
export async function requestAdapter(): Promise<Adapter | undefined> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return undefined;
  // browsers before Chrome 131 say little or nothing
  const {
    vendor = '',
    architecture = '',
    description = '',
    isFallbackAdapter = false,
  } = (adapter.info as Partial<GPUAdapterInfo> | undefined) ?? {};
  return { vendor, architecture, description, fallback: isFallbackAdapter };
}
