import { Exact8Error } from '../../src/errors.ts';

/** There is no browser or other runtime of WebGPU, or it has no adapter. The message says what to do. */
export class NoBrowserError extends Exact8Error {
  override name = 'NoBrowserError';
}
