import { openFirefox as open, type FirefoxPage, type OpenFirefox, type Puppeteer } from '../firefox/launch.ts';
import { onPage } from './served.ts';

export type { FirefoxPage, OpenFirefox, Puppeteer };

/**
 * A page with a WebGPU adapter in headless Firefox: the machine's GPU, or a software driver where there is none.
 *
 * @param puppeteer what `puppeteer-core` exports
 * @param url of a secure origin; without, an empty page
 * @throws NoBrowserError where there is no Firefox, or no adapter
 */
export const openFirefox = <P extends FirefoxPage>(puppeteer: Puppeteer<P>, url?: string): Promise<OpenFirefox<P>> =>
  onPage(url, (url) => open(puppeteer, url));
