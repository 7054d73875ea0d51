import { isPerChannel } from '../../../src/engines/pytorch.ts';
import type { LinearLayer, Engine } from '../../../src/engines/engine.ts';

/** How an engine goes from the accumulator of a linear layer to its output: ids of choices. */
export interface EngineRecipe {
  readonly bias: string;
  readonly scale: string;
  readonly order: string;
  readonly rounding: string;
}

const fbgemm = (layer: LinearLayer): EngineRecipe => ({
  bias: isPerChannel(layer) ? 'float32' : 'float32-fma',
  scale: 'float32-division',
  order: 'after',
  rounding: 'even',
});
const onednn = ({ op }: LinearLayer): EngineRecipe => ({
  bias: 'real',
  scale: op === 'gemm' ? 'real-float32-inverses' : 'real-float32',
  order: 'before',
  rounding: 'even',
});

const RECIPES: readonly ((layer: LinearLayer) => EngineRecipe)[] = [
  () => ({ bias: 'int32', scale: 'float32-division', order: 'after', rounding: 'even' }),
  () => ({ bias: 'int32-reciprocal', scale: 'float32-reciprocal', order: 'after', rounding: 'even' }),
  fbgemm,
  onednn,
  () => ({ bias: 'int32', scale: 'mantissa-31', order: 'after', rounding: 'double' }),
  () => ({ bias: 'int32', scale: 'mantissa-31', order: 'after', rounding: 'double-up' }),
  () => ({ bias: 'int32', scale: 'mantissa-31', order: 'after', rounding: 'up' }),
];

/** The recipes that engines have, those of an engine that says so in its name first. */
export function recipesOf(engine: Engine, layer: LinearLayer): EngineRecipe[] {
  const all = RECIPES.map((recipe) => recipe(layer));
  const first = { onnxruntime: 0, qnnpack: 1, fbgemm: 2, 'fbgemm-avx2': 2, onednn: 3 }[engine.name];
  return first === undefined ? all : [all[first]!, ...all];
}
