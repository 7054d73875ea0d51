import type { RequantizeForm } from '../form.ts';

/** Eight steps of bisection in the boundaries: right by construction, for any step function. */
export const search: RequantizeForm = {
  name: 'search',
  formula: 'number of boundaries <= acc, by bisection',
  buffers: ['boundaries'],
  words: 0,
  table: true,
  fit: () => [],
  evaluate(_parameters, { first }, accumulator) {
    let code = 0;
    for (let step = 128; step > 0; step >>= 1) if (accumulator >= first[code + step]!) code += step;
    return code;
  },
};
