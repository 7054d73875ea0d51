import { InvalidInputError } from '../../src/errors.ts';
import { byteRange, ofChannel, type GraphNode } from '../../src/graph/graph.ts';
import type { Definition, ForDefinitions } from '../../src/layers/definition.ts';
import { forDefinition, operatorOf } from '../../src/layers/infer.ts';
import type { ByteLinear, Layer, LayerKind, LinearKind, Requantizing } from '../../src/layers/layer.ts';
import type { OpContext } from '../../src/layers/operator.ts';
import { areSaturatingNeighbours } from '../../src/engines/pairs.ts';
import { pairOffset } from '../../src/layers/linear/reference.ts';
import type { Accumulation as EngineAccumulation, LinearLayer } from '../../src/engines/engine.ts';
import { fitted, whole } from './array.ts';
import { biasedFunctions, biasedLinear } from './biased.ts';
import { averagePool } from './average_pool.ts';
import { addFloat, concat, copy, maxPool, move, pair, quantize, softmax, table } from './elements.ts';
import type { Accumulation, Described, Details, LayerVectors } from './layer_vectors.ts';
import { bitsBetween, requantization } from './requantization.ts';

/** By what an operator says that it is. */
const DEFINED: ForDefinitions<[Described], Details> = {
  linear,
  global_average_pool: pool,
  max_pool: maxPool,
  add_float32: addFloat,
  quantize,
  softmax,
};

/** All others, by what has to be computed. */
const COMPUTED: { readonly [K in LayerKind]?: (layer: Layer<K>, about: Described) => Details } = {
  pair,
  table,
  concat,
  move,
  view: () => copy,
  average_pool: averagePool,
};

/**
 * @param multiplierBits the most bits of a requantization multiplier
 * @throws InvalidInputError for a layer of which no vectors are written
 */
export function layerVectors(node: GraphNode, context: OpContext, multiplierBits: number): LayerVectors {
  const layer = operatorOf(node).layer(node, context);
  const about = { node, context, multiplierBits };
  const inputs = layer.reads.map(({ name }) => name).filter((name) => !context.constant(name));
  const computed = COMPUTED[layer.kind] as ((layer: Layer, about: Described) => Details) | undefined;
  const details = forDefinition(DEFINED, node, context)?.(about) ?? computed?.(layer, about);
  if (!details) throw new InvalidInputError(`no vectors are written for '${node.outputs[0]}' (${node.op})`);
  return { name: node.outputs[0]!, node: node.name, op: node.op, inputs, ...details };
}

const NO_BIAS = 'the bias is not included';

/** What is summed, for people. */
function definitionOf(layer: LinearLayer, accumulation: EngineAccumulation): string {
  if (accumulation === 'exact') return `sum((x - input zero point) * (w - weight_zero_point)) in integers; ${NO_BIAS}`;
  const { overflow, outside, rounds } = accumulation;
  const offset = pairOffset(layer, overflow);
  const x = offset === 0 ? 'x' : `(x - ${offset})`;
  const order = areSaturatingNeighbours(layer, accumulation)
    ? 'in the order ky, kx, c of the window, two neighbours added'
    : 'in the order of `slots`, which has their numbers in the order ky, kx, c of the window (-1: none), two neighbours added';
  const narrowed =
    overflow === 'wraps' ? 'kept as int16, of which 32768 becomes -32768' : 'saturated to int16 (-32768 to 32767)';
  const zero = offset === 0 ? 'input zero point' : `(input zero point - ${offset})`;
  const hasZeros = layer.weightZeroPoint.some((z) => z !== 0);
  const zeros = hasZeros
    ? `weight_zero_point * sum(${x}) and ${zero} * sum(w - weight_zero_point)`
    : `${zero} * sum(w)`;
  const taps =
    outside === 'nothing'
      ? 'taps outside of the input are in neither sum'
      : 'outside of the input x is the input zero point';
  const rounded = rounds ? '; both sums are rounded to float32, ties to even, before the subtraction' : '';
  return (
    `the products ${x}*w ${order} and ${narrowed}, an odd last one alone; their sum minus ${zeros}; ` +
    `${taps}${rounded}; ${NO_BIAS}`
  );
}

/** How wide multipliers have to be: of all inputs, and these weights. */
function operandWidths(
  { layer, weights }: ByteLinear,
  accumulation: EngineAccumulation,
): NonNullable<Accumulation['widths']> {
  const taken = accumulation === 'exact' ? layer.input.zeroPoint : pairOffset(layer, accumulation.overflow);
  const inputs = byteRange(layer.input.type).map((x) => BigInt(x - taken));
  const count = weights.length / layer.outputChannels;
  const values = Array.from(weights as Int8Array, (w, i) =>
    accumulation === 'exact' ? w - ofChannel(layer.weightZeroPoint, Math.floor(i / count)) : w,
  );
  const ends = [Math.min, Math.max].map((end) => BigInt(values.reduce((a, b) => end(a, b))));
  return {
    input: bitsBetween(...inputs),
    weight: bitsBetween(...ends),
    product: bitsBetween(...inputs.flatMap((x) => ends.map((w) => x * w))),
  };
}

function pairsOf(
  layer: LinearLayer,
  accumulation: EngineAccumulation,
): Pick<Details, 'arrays'> & Pick<Accumulation, 'mode'> {
  if (accumulation === 'exact') return { mode: 'exact', arrays: {} };
  const { slots, overflow } = accumulation;
  const arrays = areSaturatingNeighbours(layer, accumulation) ? {} : { slots: fitted('int32', slots, [slots.length]) };
  return { mode: overflow === 'wraps' ? 'wrapping-pairs' : 'saturating-pairs', arrays };
}

function linear({ linear: one }: Definition<'linear'>, { node, context, multiplierBits }: Described): Details {
  const computed = operatorOf(node).layer(node, context) as Requantizing<LinearKind>;
  const { layer, weights, strides, dilations } = one;
  const { outputChannels, groups, kernel, pads, input, bias } = layer;
  const channels = [outputChannels];
  const scales = Float32Array.from({ length: outputChannels }, (_, c) => ofChannel(layer.weightScale, c));
  const zeros = Int32Array.from({ length: outputChannels }, (_, c) => ofChannel(layer.weightZeroPoint, c));
  const stage = requantization(biasedLinear(computed, layer), multiplierBits);
  const { accumulation } = computed;
  const pairs = pairsOf(layer, accumulation);
  const definition = definitionOf(layer, accumulation);
  const type = one.weightSigned ? 'int8' : 'uint8';
  const shape = [outputChannels, layer.inputChannels / groups];
  const data = type === 'int8' ? Int8Array.from(weights) : Uint8Array.from(weights);
  return {
    kind: 'convolution',
    formulas: [`accumulator = ${definition}`, ...stage.formulas],
    window: { kernel, strides, dilations, pads, groups, paddingValue: input.zeroPoint },
    accumulation: {
      mode: pairs.mode,
      definition,
      widths: operandWidths(one, accumulation),
      ...(accumulation !== 'exact' && { outside: accumulation.outside, rounds: accumulation.rounds === true }),
      ...stage.sums,
    },
    requantization: stage.requantization,
    arrays: {
      weights: whole(type, data, layer.op === 'conv' ? [...shape, ...kernel] : shape),
      weight_zero_point: fitted('int32', zeros, channels),
      weight_scale: whole('float32', scales, channels),
      ...pairs.arrays,
      ...(bias instanceof Float32Array ? { bias_float: whole('float32', bias, channels) } : {}),
      ...stage.arrays,
    },
  };
}

function pool(
  { layer: { output, count } }: Definition<'global_average_pool'>,
  { node, context, multiplierBits }: Described,
): Details {
  const computed = operatorOf(node).layer(node, context) as Layer<'global_average_pool'>;
  if (computed.writes.type !== output.type)
    throw new InvalidInputError(
      `no vectors are written for '${node.outputs[0]}' (${node.op}): the engine takes ${output.type} for ${computed.writes.type}`,
    );
  const noBias = new Float64Array(computed.functions.channels);
  const stage = requantization(biasedFunctions(computed, output, noBias), multiplierBits);
  const definition = `sum(x - input zero point) over the ${count} pixels of a channel`;
  return {
    kind: 'pool',
    formulas: [`accumulator = ${definition}`, ...stage.formulas],
    accumulation: { mode: 'exact', definition, ...stage.sums },
    requantization: stage.requantization,
    arrays: stage.arrays,
  };
}
