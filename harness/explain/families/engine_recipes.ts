import { hasOddGroups } from '../../../src/engines/onednn_avx2.ts';
import { isPerChannel } from '../../../src/engines/pytorch.ts';
import type { Engine, LinearLayer, RecipeName } from '../../../src/engines/engine.ts';

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

/** Of engines that are not here. */
const OTHERS = ['double', 'double-up', 'up'].map((rounding): EngineRecipe => ({
  bias: 'int32',
  scale: 'mantissa-31',
  order: 'after',
  rounding,
}));

/** The recipes that engines have, that which an engine says it has first. */
export function recipesOf(engine: Engine, layer: LinearLayer): EngineRecipe[] {
  const all = [...Object.values(RECIPES).map((recipe) => recipe(layer)), ...OTHERS];
  return engine.recipe === undefined ? all : [RECIPES[engine.recipe](layer), ...all];
}
