import { hasOddGroups } from '../../../src/engines/onednn_avx2.ts';
import { isPerChannel } from '../../../src/engines/pytorch.ts';
import type { Engine, LinearLayer, RecipeName, StepFunctions } from '../../../src/engines/engine.ts';

/** How an engine goes from the accumulator of a linear layer to its output: ids of choices. */
export interface EngineRecipe {
  readonly bias: string;
  readonly scale: string;
  readonly order: string;
  readonly rounding: string;
}

const RECIPES: Readonly<Record<RecipeName, (layer: LinearLayer) => EngineRecipe>> = {
  onnxruntime: () => ({ bias: 'int32', scale: 'float32-division', order: 'after', rounding: 'even' }),
  qnnpack: () => ({ bias: 'int32-reciprocal', scale: 'float32-reciprocal', order: 'after', rounding: 'even' }),
  fbgemm: (layer) => ({
    bias: isPerChannel(layer) ? 'float32' : 'float32-fma',
    scale: 'float32-division',
    order: 'after',
    rounding: 'even',
  }),
  onednn: ({ op }) => ({
    bias: 'real',
    scale: op === 'gemm' ? 'real-float32-inverses' : 'real-float32',
    order: 'before',
    rounding: 'even',
  }),
  onednnAvx2: (layer) => ({
    bias: 'real',
    scale: hasOddGroups(layer)
      ? 'real-float32-division'
      : layer.op === 'gemm'
        ? 'real-float32-product-inverses'
        : 'real-float32-product',
    order: 'before',
    rounding: 'even',
  }),
};

const fixedPoint = (scale: string, rounding: string): EngineRecipe => ({
  bias: 'int32',
  scale,
  order: 'after',
  rounding,
});

/** FULLY_CONNECTED of TensorFlow Lite's reference kernels, and engines that are not here. */
const OTHERS = [
  fixedPoint('float64', 'away'),
  ...['double', 'double-up', 'up'].map((rounding) => fixedPoint('mantissa-31', rounding)),
];

/** In the terms of the ways: of an engine that computes in fixed point. */
function fixedPointRecipe({ channels, fixed }: StepFunctions, { output }: LinearLayer): EngineRecipe[] {
  if (!fixed) return [];
  const all = Array.from({ length: channels }, (_, channel) => fixed(channel));
  const [rounding, ...others] = new Set(all.map((one) => one.rounding));
  // a float32 scale has 24 bits
  const isFloat = all.every(({ multiplier }) => multiplier % 2 ** 7 === 0);
  const scale = isFloat ? 'float32-times-float64' : output.type === 'uint8' ? 'mantissa-31-uint8' : 'mantissa-31';
  return [fixedPoint(scale, others.length > 0 ? 'double-blocks' : rounding === 'single' ? 'up' : rounding!)];
}

/** The recipes that engines have, that which an engine says it has first. */
export function recipesOf(engine: Engine, layer: LinearLayer): EngineRecipe[] {
  const fixed = fixedPointRecipe(engine.linear(layer), layer);
  const all = [...fixed, ...Object.values(RECIPES).map((recipe) => recipe(layer)), ...OTHERS];
  return engine.recipe === undefined ? all : [RECIPES[engine.recipe](layer), ...all];
}
