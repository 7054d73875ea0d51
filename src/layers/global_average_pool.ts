import { byteRange, type GraphNode } from '../graph/graph.ts';
import { extent } from './layout.ts';
import { expectByteInput } from './linear/linear.ts';
import {
  askEngine,
  expectOperands,
  expectWindow,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type Operator,
  type OpContext,
} from './operator.ts';
import type { PoolLayer, StepFunctions } from '../engines/engine.ts';

function layerOf(node: GraphNode, context: OpContext): PoolLayer {
  const input = context.info(node.inputs[0]!);
  const { height, width } = extent(input);
  return {
    input: tensorQuantization(node, input),
    output: tensorQuantization(node, context.info(node.outputs[0]!)),
    count: height * width,
  };
}

const functionsOf = (node: GraphNode, context: OpContext, layer: PoolLayer): StepFunctions =>
  askEngine(node, () => context.engine.globalAveragePool(layer));

/** GlobalAveragePool: x [N, C, H, W] 8 bits; y [N, C, 1, 1] 8 bits, from the accumulator sum(x - zx). */
export const globalAveragePool: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = context.info(node.inputs[0]!);
    expectByteInput(node, input);
    if (input.shape.length !== 4) refuse(node, `input of shape [${input.shape.join(', ')}]`, '4-D inputs');
    expectWindow(node, input.shape[2]! * input.shape[3]!);
    return quantizedOutput(node, context, [input.shape[0]!, input.shape[1]!, 1, 1]);
  },

  reference(node, context, operand) {
    const layer = layerOf(node, context);
    const x = operand(0) as Uint8Array;
    const planes = x.length / layer.count;
    const accumulators = new Int32Array(planes);
    for (let i = 0; i < x.length; i++) accumulators[Math.floor(i / layer.count)]! += x[i]! - layer.input.zeroPoint;
    const f = functionsOf(node, context, layer).at(0);
    const values = Array.from(accumulators, f);
    return { data: layer.output.type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values), accumulators };
  },

  define: (node, context) => ({ kind: 'global_average_pool', layer: layerOf(node, context) }),

  layer(node, context) {
    const layer = layerOf(node, context);
    const [min, max] = byteRange(layer.input.type);
    const { zeroPoint } = layer.input;
    return {
      kind: 'global_average_pool',
      ...placeOf(node, context),
      pixels: layer.count,
      functions: functionsOf(node, context, layer),
      range: {
        lo: Float64Array.of(layer.count * (min - zeroPoint)),
        hi: Float64Array.of(layer.count * (max - zeroPoint)),
      },
    };
  },
};
