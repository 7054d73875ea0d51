import { byteRange, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import type { UnaryFunctions } from '../engines/engine.ts';
import {
  askEngine,
  byteInput,
  clampOf,
  expectOperands,
  loopOf,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';
import { expectTailLast, tailAtEnd, tailOf } from './tail.ts';

function functionsOf(node: GraphNode, context: OpContext, output: TensorInfo): UnaryFunctions {
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  const { alpha, bounds } = node.attributes;
  const layer = {
    op: node.op,
    input,
    output: tensorQuantization(node, output),
    ...clampOf(node),
    ...(alpha !== undefined && { alpha: Number(alpha) }),
    ...(bounds !== undefined && { bounds: bounds as unknown as readonly [number, number] }),
    ...(node.attributes['channels_last'] === 1 && { channelsLast: true }),
    ...loopOf(node),
  };
  const functions = askEngine(node, () => context.engine.unary?.(layer));
  if (!functions) return refuse(node, `engine '${context.engine.name}'`, `engines that define ${node.op} on bytes`);
  if (functions.tail) expectTailLast(node, functions, output);
  return functions;
}

const bytes = (type: 'uint8' | 'int8', values: ArrayLike<number>): Uint8Array | Int8Array => {
  const data = newElementData(type, values.length) as Uint8Array | Int8Array;
  data.set(values);
  return data;
};

/** An element-wise function of one 8-bit tensor, of any shape, by the engine's own arithmetic. */
export const unary: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    const output = quantizedOutput(node, context, input.shape);
    functionsOf(node, context, output);
    return output;
  },

  reference(node, context, operand) {
    const output = context.info(node.outputs[0]!);
    const { body, tail, isTail } = functionsOf(node, context, output);
    const x = operand(0) as Uint8Array;
    const inTail = tailOf({ ...(isTail && { isTail }) }, output);
    const values = Array.from(x, (v, i) => (tail && inTail(i) ? tail : body)(v));
    return { data: bytes(output.type as 'uint8' | 'int8', values) };
  },

  layer(node, context) {
    const place = placeOf(node, context);
    const { type } = place.writes;
    const { body, tail, isTail } = functionsOf(node, context, place.writes);
    const [min] = byteRange(place.reads[0]!.type as 'uint8' | 'int8');
    const table = (f: (x: number) => number) =>
      bytes(
        type as 'uint8' | 'int8',
        Array.from({ length: 256 }, (_, code) => f(code + min)),
      );
    return { kind: 'table', ...place, values: table(body), ...tailAtEnd(isTail, place.writes, () => table(tail!)) };
  },
};
