import type { Layer } from '../layers/layer.ts';
import { arithmetic } from './arithmetic.ts';
import { useKernel } from './kernel.ts';
import { stepOf, type Step } from './step.ts';
import type { Target } from './target.ts';

/** A value that follows from a range. */
export function lowerRangeParameter(layer: Layer<'range_parameter'>, target: Target): Step {
  return stepOf(layer, {
    ...useKernel('range_parameter', {
      geometry: { opaque: 0 },
      slots: { ...arithmetic(layer, target), parameter: `parameter/${layer.parameter}` },
    }),
    operands: [{ tensor: layer.reads[0]!.name }],
    workgroups: [1, 1, 1],
  });
}
