import type { StepFunctions } from '../engines/engine.ts';
import type { Layer } from '../layers/layer.ts';
import { extent, groupsOf } from '../layers/layout.ts';
import { ALL_FLOATS } from '../layers/quantize_linear.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';
import { KEY_FORMS, outputStage } from './requantization.ts';
import { stepOf, threadGrid, type Step } from './step.ts';
import type { Target } from './target.ts';

/** Functions of the words before a tail, of those in it, and of the one in which it begins. */
function withTail(layer: Layer<'quantize'>): Pick<Layer<'quantize'>, 'functions' | 'range'> & { word: number } {
  const { functions, range, tail, writes } = layer;
  if (!tail) return { functions, range, word: 0 };
  const { channels, groups } = extent(writes);
  const [pixel, channel] = [Math.floor(tail.first / channels), tail.first % channels];
  const isTail = (place: number): boolean => place >= 4 && (place < 8 || place % 4 >= channel % 4);
  const of = (place: number): StepFunctions => (isTail(place) ? tail.values : functions);
  const count = 12;
  return {
    functions: { ...functions, channels: count, at: (place) => of(place).at(0) },
    range: {
      lo: new Float64Array(count).fill(range.lo[0]!),
      hi: new Float64Array(count).fill(range.hi[0]!),
    },
    word: pixel * groups + (channel >> 2),
  };
}

/** Of a float that becomes 0, as NaN does: the key. */
function keyOfZero({ at }: StepFunctions): number {
  const value = at(0);
  let [low, high] = [ALL_FLOATS.lo[0]!, ALL_FLOATS.hi[0]!];
  if (value(low) >= 0) return low;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (value(middle) < 0) low = middle;
    else high = middle;
  }
  return high;
}

/** float32 to bytes: WORDS words a thread. */
export function lowerQuantize(layer: Layer<'quantize'>, { preferences }: Target): Step {
  const { word, ...proving } = withTail(layer);
  const stage = outputStage({ ...proving, writes: layer.writes }, { ...preferences, forms: KEY_FORMS });
  const groups = groupsOf(layer.writes);
  return stepOf(layer, {
    ...useKernel(
      'quantize_linear',
      {
        geometry: { groups, tail_word: word, nan_key: keyOfZero(layer.functions) },
        overrides: { HAS_TAIL: Number(layer.tail !== undefined) },
      },
      stage,
    ),
    operands: [{ tensor: layer.reads[0]!.name }],
    parameters: stage.parameters,
    workgroups: threadGrid(Math.ceil(groups / KERNELS.quantize_linear.constants.WORDS)),
    proof: stage.proof,
  });
}
