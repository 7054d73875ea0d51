import { CommanderError } from 'commander';
import { DeviceError, InvalidInputError, InvalidModelError, UnsupportedModelError } from '../../src/errors.ts';
import { NoBrowserError } from '../chrome/errors.ts';

export const EXIT = { done: 0, differs: 1, badInput: 2, noBrowser: 3, internalError: 4 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BAD_INPUT = [InvalidModelError, UnsupportedModelError, InvalidInputError];
const NO_BROWSER = [NoBrowserError, DeviceError];

export function exitCodeOf(error: unknown): ExitCode {
  // Commander ends --help and --version by an error whose code is 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  if (BAD_INPUT.some((type) => error instanceof type)) return EXIT.badInput;
  if (NO_BROWSER.some((type) => error instanceof type)) return EXIT.noBrowser;
  return EXIT.internalError;
}
