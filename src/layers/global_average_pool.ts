import { byteRange, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import type { Layer } from './layer.ts';
import { extent } from './layout.ts';
import {
  askEngine,
  byteInput,
  clampOf,
  expectOperands,
  expectWindow,
  loopOf,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
  type ReferenceResult,
} from './operator.ts';
import type { PoolLayer, ReduceFunctions, StepFunctions } from '../engines/engine.ts';

export function layerOf(node: GraphNode, context: OpContext, output = context.info(node.outputs[0]!)): PoolLayer {
  const input = context.info(node.inputs[0]!);
  const { channels, height, width } = extent(input);
  return {
    op: node.op,
    channels,
    ...clampOf(node),
    ...loopOf(node),
    input: tensorQuantization(node, input),
    output: tensorQuantization(node, output),
    count: height * width,
  };
}

const functionsOf = (node: GraphNode, context: OpContext, layer: PoolLayer): StepFunctions =>
  askEngine(node, () => context.engine.globalAveragePool(layer));

/** What becomes of the sums of all pixels of each channel, on the host. */
export function referenceOfSums(
  node: GraphNode,
  context: OpContext,
  functions: ReduceFunctions,
  given: Uint8Array,
): ReferenceResult {
  const { count, input, output } = layerOf(node, context);
  const x = functions.unsigned ? new Uint8Array(given.buffer, given.byteOffset, given.length) : given;
  const planes = x.length / count;
  const accumulators = new Int32Array(planes);
  for (let i = 0; i < x.length; i++) accumulators[Math.floor(i / count)]! += x[i]! - input.zeroPoint;
  const all = Array.from({ length: functions.channels }, (_, channel) => functions.at(channel));
  const values = Array.from(accumulators, (sum, plane) => all[plane % all.length]!(sum));
  return { data: output.type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values), accumulators };
}

export function layerOfSums(
  node: GraphNode,
  context: OpContext,
  functions: ReduceFunctions,
): Layer<'global_average_pool'> {
  const { count, input } = layerOf(node, context);
  const { channels, unsigned } = functions;
  const place = placeOf(node, context);
  const seen = (info: TensorInfo): TensorInfo => (unsigned ? { ...info, type: 'uint8' } : info);
  const [min, max] = byteRange(unsigned ? 'uint8' : input.type);
  return {
    kind: 'global_average_pool',
    ...place,
    reads: place.reads.map(seen),
    writes: seen(place.writes),
    pixels: count,
    functions,
    range: {
      lo: new Float64Array(channels).fill(count * (min - input.zeroPoint)),
      hi: new Float64Array(channels).fill(count * (max - input.zeroPoint)),
    },
  };
}

/** GlobalAveragePool: x [N, C, H, W] 8 bits; y [N, C, 1, 1] 8 bits, from the accumulator sum(x - zx). */
export const globalAveragePool: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    if (input.shape.length !== 4) refuse(node, `input of shape [${input.shape.join(', ')}]`, '4-D inputs');
    expectWindow(node, input.shape[2]! * input.shape[3]!);
    return quantizedOutput(node, context, [input.shape[0]!, input.shape[1]!, 1, 1]);
  },

  reference: (node, context, operand) =>
    referenceOfSums(node, context, functionsOf(node, context, layerOf(node, context)), operand(0) as Uint8Array),
  define: (node, context) => ({ kind: 'global_average_pool', layer: layerOf(node, context) }),
  layer: (node, context) => layerOfSums(node, context, functionsOf(node, context, layerOf(node, context))),
};
