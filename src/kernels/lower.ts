import type { LinearFunctions, StepFunctions } from '../engines/engine.ts';
import { elementCount } from '../graph/graph.ts';
import type { Joined } from '../join/joined.ts';
import { isLinear, type Layer, type LayerKind, type LinearKind } from '../layers/layer.ts';
import { lowerPair } from './add.ts';
import { lowerFloatAdd } from './add_float32.ts';
import { lowerTail } from './add_tail.ts';
import { lowerAveragePool } from './average_pool.ts';
import { chooseLinear } from './choose.ts';
import { lowerFloatConv } from './conv_float32.ts';
import { lowerFloatConvTranspose } from './conv_transpose_float32.ts';
import { lowerConcat } from './concat.ts';
import { lowerDequantize } from './dequantize_linear.ts';
import { withEpilogue } from './epilogue.ts';
import { lowerDynamicQuantize } from './dynamic_quantize.ts';
import { lowerFunction } from './elementwise.ts';
import { lowerOperation } from './operation.ts';
import { lowerFloatPool } from './pool_float32.ts';
import { lowerRange } from './range.ts';
import { lowerRangeParameter } from './range_parameter.ts';
import { lowerFloatSoftmax } from './softmax_float32.ts';
import { lowerGlobalAveragePool } from './global_average_pool.ts';
import { lowerResizeLinear } from './resize_linear.ts';
import { lowerFloatResizeLinear } from './resize_linear_float32.ts';
import { lowerBlock } from './inverted_residual.ts';
import { lowerLinear } from './linear.ts';
import { lowerLookup } from './lookup.ts';
import { lowerMatmul } from './matmul.ts';
import { lowerMaxPool } from './max_pool.ts';
import { lowerMove } from './move.ts';
import { lowerPooledPointwise } from './pointwise_pool.ts';
import { lowerQuantize } from './quantize_linear.ts';
import { lowerResizeBilinear } from './resize_bilinear.ts';
import { lowerScale } from './scale.ts';
import { lowerScaled } from './scaled.ts';
import { lowerSoftmax } from './softmax.ts';
import { MOST_STORAGE_BUFFERS, storageBuffers } from './stages.ts';
import type { Step } from './step.ts';
import type { Target } from './target.ts';

type Lower<K extends LayerKind> = (layer: Layer<K>, target: Target) => Step | readonly Step[];

/** The kernel of every layer without weights. */
const LOWER: { readonly [K in Exclude<LayerKind, LinearKind>]: Lower<K> } = {
  pair: (layer) => (layer.tail ? lowerTail(layer, layer.tail) : lowerPair(layer)),
  scale: lowerScale,
  add_float32: lowerFloatAdd,
  global_average_pool: lowerGlobalAveragePool,
  average_pool: lowerAveragePool,
  matmul: lowerMatmul,
  resize_bilinear: lowerResizeBilinear,
  resize_linear: lowerResizeLinear,
  resize_linear_float32: lowerFloatResizeLinear,
  max_pool: lowerMaxPool,
  table: (layer) => (layer.values instanceof Float32Array ? lowerDequantize(layer) : lowerLookup(layer)),
  softmax: lowerSoftmax,
  move: lowerMove,
  view: () => [],
  concat: lowerConcat,
  quantize: lowerQuantize,
  function: lowerFunction,
  operation: lowerOperation,
  pool_float32: lowerFloatPool,
  conv_float32: lowerFloatConv,
  conv_transpose_float32: lowerFloatConvTranspose,
  softmax_float32: lowerFloatSoftmax,
  range: lowerRange,
  range_parameter: lowerRangeParameter,
  dynamic_quantize: lowerDynamicQuantize,
};

const lowerOne = (layer: Layer<LinearKind>, target: Target): Step =>
  lowerLinear(layer, chooseLinear(layer, target), target);

/** A layer whose last values have functions of their own: it is computed with each, and one of both taken. */
function lowerLinearTail(
  layer: Layer<LinearKind>,
  body: StepFunctions,
  { values, first }: NonNullable<LinearFunctions['tail']>,
  target: Target,
): Step[] {
  const { node, op, writes } = layer;
  const of = (own: StepFunctions, suffix: string) => {
    const temporary = { ...writes, name: target.unusedName(`${writes.name}.${suffix}`) };
    const step = lowerOne({ ...layer, functions: own, writes: temporary }, target);
    return { ...step, temporary };
  };
  const steps = [of(body, 'body'), of(values, 'tail')];
  const reads = steps.map(({ temporary }) => temporary);
  const pair: Layer<'pair'> = { kind: 'pair', node, op, reads, writes, codes: (a) => a, slope: { a: 1, b: 0 } };
  return [...steps, lowerTail(pair, { codes: (_, b) => b, ranges: [[first, elementCount(writes.shape)]] })];
}

function lowerCore(core: Joined['core'], target: Target): readonly Step[] {
  if (core.kind === 'block') return [lowerBlock(core, target)];
  if (core.kind === 'pooled_pointwise') return [lowerPooledPointwise(core, target)];
  if (isLinear(core)) {
    const { functions } = core;
    return functions?.tail ? lowerLinearTail(core, functions, functions.tail, target) : [lowerOne(core, target)];
  }
  return [(LOWER[core.kind] as Lower<LayerKind>)(core, target)].flat();
}

/**
 * What is joined as dispatches: its kernel chosen, its weights packed, its requantizations proved. One, but where what
 * is joined reads more than a dispatch can: a concatenation of many tensors, a float32 add behind some forms.
 */
export function lower({ core, epilogue }: Joined, target: Target): readonly Step[] {
  const steps = lowerCore(core, target);
  if (!epilogue) return steps;
  const [step] = steps as [Step];
  if (epilogue.kind === 'scaled') return lowerScaled(step, core as Layer<LinearKind>, epilogue, target);
  const whole = withEpilogue(step, epilogue);
  if (storageBuffers(whole) <= MOST_STORAGE_BUFFERS) return [whole];
  // only a float32 add binds so much: it is done alone
  const { sum, ...floats } = epilogue as Extract<typeof epilogue, { kind: 'floats' }>;
  const apart = [sum!.dequantize, sum!.add].filter((layer) => layer !== undefined);
  return [withEpilogue(step, floats), ...apart.flatMap((layer) => lower({ core: layer }, target))];
}
