import { double } from './fixed_point.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import { createReference } from './tflite.ts';

/** gemmlowp as a library, and who follows its paper: every scale, fully connected layers' too, by two roundings. Not measured. */
export const gemmlowp = createReference(
  {
    name: 'gemmlowp',
    description: 'gemmlowp and its paper: every requantization in fixed point, two roundings; not measured',
    origins: [{ runtime: 'gemmlowp', processors: EVERY_PROCESSOR }],
  },
  double,
);
