import { single } from './fixed_point.ts';
import { EVERY_PROCESSOR } from './origin.ts';
import { createReference } from './tflite.ts';

/** TensorFlow Lite built with TFLITE_SINGLE_ROUNDING. Of no build that is to be had: its formula is the source's, not measured. */
export const tfliteSingle = createReference(
  {
    name: 'tflite-single',
    description: "TensorFlow Lite's reference kernels built for one rounding (TFLITE_SINGLE_ROUNDING); not measured",
    origins: [{ runtime: 'litert-single', processors: EVERY_PROCESSOR }],
  },
  single,
);
