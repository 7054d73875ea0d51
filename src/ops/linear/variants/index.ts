import { convGrouped } from './conv_grouped.ts';
import { convPairs } from './conv_pairs.ts';
import { depthwise } from './depthwise.ts';
import { depthwiseRows } from './depthwise_rows.ts';
import { conv, pointwise, pointwiseTiled } from './dot.ts';
import { lanes, lanesPlain } from './lanes.ts';
import type { LinearVariant } from './variant.ts';

/**
 * Every kernel variant of convolutions and fully connected layers: one file, one line. Where a profile has
 * no opinion, the first that admits a layer computes it.
 */
export const LINEAR_VARIANTS: readonly LinearVariant[] = [
  pointwise,
  depthwise,
  conv,
  convGrouped,
  convPairs,
  lanes,
  lanesPlain,
  depthwiseRows,
  pointwiseTiled,
];
