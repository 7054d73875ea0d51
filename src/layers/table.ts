import { byteRange, newElementData, type Constant, type GraphNode } from '../graph/graph.ts';
import { isFirstOneValue } from '../engines/exchange.ts';
import {
  byteInput,
  expectOperands,
  placeOf,
  quantizedOutput,
  refuse,
  type OpContext,
  type Operator,
} from './operator.ts';
import { broadcastOf, pairLayer, referencePairs } from './pairs.ts';

/** The table's constant, an operand. */
function tableOf(node: GraphNode, context: OpContext, entries: number, operand = 2): Constant {
  const table = context.constant(node.inputs[operand] ?? '');
  if (!table || table.data.length !== entries)
    return refuse(node, `a table of ${table?.data.length ?? 0} entries`, `${entries}`);
  return table;
}

const least = (node: GraphNode, context: OpContext, operand: number): number =>
  byteRange(context.info(node.inputs[operand]!).type as 'uint8' | 'int8')[0];

/** A constant of the function with more dimensions than its tensors gives them more. */
function expectRank(node: GraphNode, shape: readonly number[]): void {
  const { rank = 0, dimensions = 0 } = node.attributes;
  if (Number(dimensions) > 0 && Number(dimensions) !== shape.length)
    refuse(node, `channels of [${shape.join(', ')}]`, `${dimensions} dimensions`);
  if (Number(rank) > shape.length)
    refuse(node, `a constant of ${rank} dimensions beside [${shape.join(', ')}]`, 'as many or fewer');
}

/** The second table is for a tensor that is one value beside a constant of this shape, to the engine's loop. */
function tableOfBytes(node: GraphNode, context: OpContext): Constant {
  const { constant } = node.attributes;
  const { shape } = context.info(node.inputs[0]!);
  return tableOf(node, context, 256, constant && isFirstOneValue(shape, constant as readonly number[]) ? 2 : 1);
}

/**
 * Table: y = table[x], of an 8-bit tensor of any shape: 256 values of 8 bits, or of float32, the first for the smallest x.
 * There may be two tables, of which the shape decides.
 */
export const table: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const input = byteInput(node, context);
    expectRank(node, input.shape);
    const { type } = tableOfBytes(node, context);
    if (type === 'float32') return { name: node.outputs[0]!, type, shape: input.shape };
    return quantizedOutput(node, context, input.shape);
  },

  reference(node, context, operand) {
    const { data: values, type } = tableOfBytes(node, context);
    const x = operand(0) as Uint8Array;
    const min = least(node, context, 0);
    const data = newElementData(type, x.length);
    for (let i = 0; i < x.length; i++) data[i] = values[x[i]! - min]!;
    return { data };
  },

  layer(node, context) {
    const { data } = tableOfBytes(node, context);
    return { kind: 'table', ...placeOf(node, context), values: data as Uint8Array | Int8Array | Float32Array };
  },
};

function entry(node: GraphNode, context: OpContext): (a: number, b: number) => number {
  const values = tableOf(node, context, 65536).data as Uint8Array;
  const [minA, minB] = [least(node, context, 0), least(node, context, 1)];
  return (a, b) => values[(a - minA) * 256 + (b - minB)]!;
}

/** PairTable: y = table[a][b], of two 8-bit tensors, one of which may be broadcast: 65,536 values of 8 bits. */
export const pairTable: Operator = {
  infer(node, context) {
    expectOperands(node, 3);
    for (const name of node.inputs.slice(0, 2)) byteInput(node, context, name);
    tableOf(node, context, 65536);
    const { shape } = broadcastOf(node, context).large;
    expectRank(node, shape);
    return quantizedOutput(node, context, shape);
  },
  reference: (node, context, operand) => referencePairs(node, context, operand, entry(node, context)),
  layer: (node, context) => pairLayer(node, context, entry(node, context)),
};
