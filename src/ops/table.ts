import { byteRange, isByteType, newElementData, type Constant, type GraphNode } from '../graph/graph.ts';
import { addTable } from '../requantize/add.ts';
import { isFirstOneValue } from '../engines/exchange.ts';
import { groupsOf } from './layout.ts';
import { expectByteInput } from './linear/linear.ts';
import { expectOperands, quantizedOutput, refuse, type Op, type OpContext } from './op.ts';
import { broadcastOf, lowerPairs, referencePairs } from './pairs.ts';
import { useKernel } from '../kernels/kernel.ts';
import { signMask } from './requantization.ts';
import { threadGrid } from './step.ts';

/** The table's constant, an operand. */
function tableOf(node: GraphNode, context: OpContext, entries: number, operand = 2): Constant {
  const table = context.constant(node.inputs[operand] ?? '');
  if (!table || table.data.length !== entries)
    return refuse(node, `a table of ${table?.data.length ?? 0} entries`, `${entries}`);
  return table;
}

const least = (node: GraphNode, context: OpContext, operand: number): number =>
  byteRange(context.info(node.inputs[operand]!).type as 'uint8' | 'int8')[0];

/** The values of an 8-bit table as raw bytes, four a word; of a float32 one as bits. */
function packTable({ data, type }: Constant): Uint32Array {
  if (isByteType(type)) return new Uint32Array(Uint8Array.from(data as Uint8Array, (v) => v & 255).buffer);
  return new Uint32Array(Float32Array.from(data as Float32Array).buffer);
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
export const table: Op = {
  infer(node, context) {
    expectOperands(node, 2);
    const input = context.info(node.inputs[0]!);
    expectByteInput(node, input);
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

  lower(node, context) {
    const constant = tableOfBytes(node, context);
    const input = context.info(node.inputs[0]!);
    const groups = groupsOf(input);
    return {
      node: node.name,
      op: node.op,
      // 256 float32 values are what a DequantizeLinear is, too
      ...useKernel(isByteType(constant.type) ? 'lookup' : 'dequantize_linear', {
        geometry: { groups, input_sign: signMask(input.type as 'uint8' | 'int8') },
      }),
      operands: [{ tensor: input.name }, { data: packTable(constant) }],
      output: node.outputs[0]!,
      parameters: [],
      workgroups: threadGrid(groups),
      macs: 0,
      accumulates: false,
    };
  },
};

function entry(node: GraphNode, context: OpContext): (a: number, b: number) => number {
  const values = tableOf(node, context, 65536).data as Uint8Array;
  const [minA, minB] = [least(node, context, 0), least(node, context, 1)];
  return (a, b) => values[(a - minA) * 256 + (b - minB)]!;
}

/** PairTable: y = table[a][b], of two 8-bit tensors, one of which may be broadcast: 65,536 values of 8 bits. */
export const pairTable: Op = {
  infer(node, context) {
    expectOperands(node, 3);
    for (const name of node.inputs.slice(0, 2)) expectByteInput(node, context.info(name));
    tableOf(node, context, 65536);
    return quantizedOutput(node, context, broadcastOf(node, context).large.shape);
  },
  reference: (node, context, operand) => referencePairs(node, context, operand, entry(node, context)),
  lower: (node, context) =>
    lowerPairs(node, context, entry(node, context), (f) => ({ form: 'add_table', parameters: addTable(f) })),
};
