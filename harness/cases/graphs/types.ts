import type { OnnxElementType, OnnxModel } from '../../../models/onnx_writer.ts';
import { MOVES } from '../../../src/graph/moves.ts';

const TYPES: readonly [new (length: number) => object, OnnxElementType][] = [
  [Float32Array, 'float32'],
  [Uint8Array, 'uint8'],
  [Int8Array, 'int8'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
];

/** The element type of every tensor of a model, inputs and constants included. */
export function typesOf({ inputs, constants, nodes }: OnnxModel): Map<string, OnnxElementType> {
  const types = new Map(inputs.map(({ name, type }) => [name, type]));
  for (const { name, data } of constants) types.set(name, TYPES.find(([type]) => data instanceof type)![1]);
  for (const { op, inputs: operands, outputs } of nodes) {
    const of = (index: number): OnnxElementType => types.get(operands.at(index) ?? '') ?? 'float32';
    let type: OnnxElementType = 'float32';
    if (MOVES.has(op)) type = of(0);
    else if (op === 'QuantizeLinear') type = of(2);
    else if (op === 'QLinearConv') type = of(7);
    else if (op === 'QLinearConcat') type = of(1);
    else if (op.startsWith('Q')) type = of(-1);
    else if (op.endsWith('Integer')) type = 'int32';
    for (const output of outputs) types.set(output, type);
    if (op === 'DynamicQuantizeLinear') for (const at of [0, 2]) types.set(outputs[at]!, 'uint8');
  }
  return types;
}
