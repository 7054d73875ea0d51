import {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from '../../../src/errors.ts';
import { byId, element, fill } from '../dom.ts';

const TITLES: readonly (readonly [new () => Error, string])[] = [
  [InvalidModelError, 'The model cannot be read'],
  [UnsupportedModelError, 'Not supported'],
  [InvalidInputError, 'This input cannot be used'],
  [DeviceError, 'Trouble with the GPU'],
  [Exact8Error, 'It did not work'],
];

/** The library's own message under a title for its kind; trouble with the GPU may be over when it is tried again. */
export function showError({ error }: { readonly error?: unknown }, tryAgain?: () => void): void {
  if (error === undefined) return fill(byId('notice'));
  const { message } = error instanceof Error ? error : new Error(String(error));
  const again =
    error instanceof DeviceError && tryAgain
      ? element('button', { type: 'button', click: tryAgain }, 'Try again')
      : undefined;
  const [, title = 'Something went wrong'] = TITLES.find(([type]) => error instanceof type) ?? [];
  fill(byId('notice'), element('strong', {}, title), element('p', {}, message), again);
}
