import { Exact8Error } from '../../src/errors.ts';

/** There is no browser, or the browser has no WebGPU adapter. The message says what to do. */
export class NoBrowserError extends Exact8Error {
  override name = 'NoBrowserError';
}
