import { describe } from '../pickle.ts';
import type { Handler } from './activations.ts';
import { Length } from './values.ts';

export const same: Handler = (call) => call.arg(0);

export const size: Handler = (call) => {
  const x = call.tensor();
  const lengths = x.dims.map((d, axis) => d ?? new Length(x, axis));
  return call.arg(1) === null ? lengths : lengths[call.axis(1, x)]!;
};

export const arithmetic =
  (compute: (a: number, b: number) => number | boolean): Handler =>
  (call) =>
    compute(call.number(0), call.number(1));

export const isEqual: Handler = (call) => {
  const [a, b] = [call.arg(0), call.arg(1)];
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  return call.number(0) === call.number(1);
};

export const isSame: Handler = (call) => call.arg(0) === call.arg(1);

export const length: Handler = (call) => {
  const list = call.arg(0);
  return Array.isArray(list) ? list.length : call.refuse(describe(list), 'lists');
};

export const not =
  (handler: Handler): Handler =>
  (call) =>
    handler(call) !== true;

export const raise: Handler = (call) =>
  call.refuse(`the network's own error ${describe(call.arg(0))}`, 'what it takes');
