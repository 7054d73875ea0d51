import type { Choice } from '../problem.ts';

export interface OrderChoice extends Choice {
  readonly before: boolean;
}

const kind = 'zero-point-order';

export const ORDERS: readonly OrderChoice[] = [
  { id: 'after', kind, detail: 'the zero point is added after rounding', before: false },
  { id: 'before', kind, detail: 'the zero point is added before rounding', before: true },
];
