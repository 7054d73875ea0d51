import { InvalidModelError, UnsupportedModelError } from '../../errors.ts';
import { BUDGET, expectNodes, Spending } from '../../graph/budget.ts';
import {
  DYNAMIC,
  elementCount,
  isByteType,
  type Attributes,
  type Constant,
  type ElementType,
  type Graph,
  type GraphNode,
  type QuantizedType,
  type TensorInfo,
} from '../../graph/graph.ts';
import { sortNodes } from '../../graph/sort.ts';
import { Table } from './flatbuffer.ts';
import type { GraphBuilder, Operation } from './operation.ts';
import { convert, isKnown, SUPPORTED_OPERATORS } from './operators.ts';
import { BUILTIN_OPERATORS } from './schema.ts';
import { elementType, permuted, readTensor, toNchw, valuesOf, type FileTensor } from './tensors.ts';

const VERSION = 3;

/** How many of each a file may list. */
const MOST = { codes: 2 ** 10, tensors: 2 ** 16, buffers: 2 ** 16, name: 2 ** 16, names: 2 ** 24, ends: 2 ** 10 };

class Builder implements GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly constants = new Map<string, Constant>();
  readonly tensors = new Map<string, QuantizedType>();
  readonly #names: Set<string>;
  readonly #roles = new Map<string, string>();

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  activation(tensor: FileTensor): string {
    return tensor.bytes ? this.constant(tensor, tensor.shape.length === 4 ? [0, 3, 1, 2] : undefined) : tensor.name;
  }

  constant(tensor: FileTensor, order?: readonly number[]): string {
    const { shape, quantization } = tensor;
    const key = order ?? shape.map((_, axis) => axis);
    // the same tensor may be two constants
    const role = JSON.stringify([tensor.name, key]);
    const known = this.#roles.get(role);
    if (known !== undefined) return known;
    const name = this.constants.has(tensor.name) ? this.#unused(tensor.name) : tensor.name;
    this.#roles.set(role, name);
    const values = valuesOf(tensor);
    const axis = quantization?.axis === undefined ? undefined : key.indexOf(quantization.axis);
    this.constants.set(name, {
      name,
      type: elementType(tensor),
      shape: key.map((from) => shape[from]!),
      data: key.length === 4 ? permuted(values, shape, key) : values,
      ...(quantization && { quantization: { ...quantization, ...(axis !== undefined && { axis }) } }),
    });
    return name;
  }

  integers(like: string, values: readonly number[]): string {
    const name = this.#unused(like);
    this.constants.set(name, { name, type: 'int32', shape: [values.length], data: Int32Array.from(values) });
    return name;
  }

  between(like: FileTensor, shape: readonly number[]): FileTensor {
    const { bytes: _, ...computed } = like;
    return { ...computed, name: this.#unused(`${like.name}.flat`), shape };
  }

  node(op: string, inputs: readonly string[], output: FileTensor, attributes: Attributes = {}): void {
    const { name, type, quantization } = output;
    if (output.bytes) throw new InvalidModelError(`tensor '${name}' is computed, and a constant`);
    this.nodes.push({ name, op, inputs, outputs: [name], attributes });
    if (isByteType(type as ElementType) && quantization)
      this.tensors.set(name, { name, type: type as 'uint8' | 'int8', quantization });
  }

  #unused(like: string): string {
    let name = like;
    for (let i = 1; this.#names.has(name); i++) name = `${like}.${i}`;
    this.#names.add(name);
    return name;
  }
}

/** Names of operators, by their number in the file. */
function operatorNames(model: Table): string[] {
  return model.tables(1, MOST.codes, 'kinds of operators').map((code) => {
    // files of old have a byte of it
    const number = Math.max(code.int8(0), code.int32(3));
    const name = BUILTIN_OPERATORS[number] ?? `operator ${number}`;
    return name === 'CUSTOM' ? `CUSTOM ${code.text(1, MOST.name, 'characters in a name')}` : name;
  });
}

/** Every tensor's name in the graph, in the file's order. */
export const tfliteNames = (bytes: Uint8Array): string[] =>
  tensorNames(Table.root(bytes).tables(2, MOST.codes, 'subgraphs')[0]!.tables(0, MOST.tensors, 'tensors'));

/** A name for each tensor: the file's, which may be no or another's name, made one of its own. */
function tensorNames(tables: readonly Table[]): string[] {
  const characters = new Spending('characters in names', MOST.names);
  const names = new Set<string>();
  for (const [i, table] of tables.entries()) {
    const given = table.text(3, MOST.name, 'characters in a name');
    characters.add(given.length, `tensor ${i}`);
    names.add(given === '' || names.has(given) ? `${given || 'tensor'}#${i}` : given);
  }
  if (names.size !== tables.length) throw new InvalidModelError('tensors have names that cannot be told apart');
  return [...names];
}

function inputInfo(tensor: FileTensor): TensorInfo {
  const { name, shape, openBatch, quantization } = tensor;
  if (shape.some((d) => d < 1))
    throw new InvalidModelError(`graph input '${name}' has the impossible shape [${shape.join(', ')}]`);
  return {
    name,
    type: elementType(tensor),
    shape: toNchw(shape.map((d, i) => (i === 0 && openBatch ? DYNAMIC : d))),
    ...(quantization && { quantization }),
  };
}

/** What the file's signatures call inputs or outputs of the graph: `own`, by their tensors. What two call otherwise is left out. */
function calledBy(
  signatures: readonly Table[],
  field: number,
  names: readonly string[],
  own: readonly string[],
): ReadonlyMap<string, string> {
  const called = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const signature of signatures)
    for (const entry of signature.tables(field, MOST.ends, 'inputs or outputs of a signature')) {
      const [name, tensor] = [entry.text(0, MOST.name, 'characters in a name'), names[entry.uint32(1)]];
      if (tensor === undefined || !own.includes(tensor)) continue;
      if (called.has(name) && called.get(name) !== tensor) ambiguous.add(name);
      called.set(name, tensor);
    }
  return new Map([...called].filter(([name]) => !ambiguous.has(name)));
}

/** The operators of a file, in its order; what they name is looked up when it is asked for. */
function operationsOf(subgraph: Table, codes: readonly string[], tensorAt: (index: number) => FileTensor): Operation[] {
  const operands = new Spending('operands and outputs', BUDGET.operands);
  const tables = subgraph.tables(3, BUDGET.nodes, 'operators');
  const named = tables.map((table) => {
    const index = table.uint32(0);
    const name = codes[index];
    if (name === undefined) throw new InvalidModelError(`an operator is of kind ${index}, which there is not`);
    return name;
  });
  const unknown = [...new Set(named.filter((name) => !isKnown(name)))];
  if (unknown.length > 0)
    throw new UnsupportedModelError(
      `the model has operators that are not supported: ${unknown.join(', ')}; supported: ${SUPPORTED_OPERATORS.join(', ')}`,
    );
  return tables.map((table, i) => {
    const [inputs, outputs] = [1, 2].map((field) => {
      const indices = table.int32s(field, BUDGET.operands, 'operands of an operator');
      operands.add(indices.length, `operator ${i} (${named[i]})`);
      return indices;
    }) as [number[], number[]];
    return {
      name: named[i]!,
      inputs: inputs.map((index) => (index === -1 ? undefined : tensorAt(index))),
      outputs: outputs.map(tensorAt),
      options: table.table(4),
    };
  });
}

/**
 * Reads a TensorFlow Lite model of 8 bits: uint8, or int8 with weights per tensor or per channel. Tensors of four
 * dimensions become NCHW; their names stay.
 *
 * @throws InvalidModelError, UnsupportedModelError
 */
export function readTflite(bytes: Uint8Array): Graph {
  const model = Table.root(bytes);
  const version = model.uint32(0);
  if (version !== VERSION) throw new UnsupportedModelError(`TensorFlow Lite schema ${version}; supported: ${VERSION}`);
  const codes = operatorNames(model);
  const subgraphs = model.tables(2, MOST.codes, 'subgraphs');
  const [subgraph] = subgraphs;
  if (!subgraph || subgraphs.length !== 1)
    throw new UnsupportedModelError(`the model has ${subgraphs.length} subgraphs; supported: 1`);
  const buffers = model.tables(4, MOST.buffers, 'buffers');
  const tables = subgraph.tables(0, MOST.tensors, 'tensors');
  const names = tensorNames(tables);
  const read = new Map<number, FileTensor>();
  const tensorAt = (index: number): FileTensor => {
    const table = tables[index];
    if (!table) throw new InvalidModelError(`tensor ${index} is used; there are ${tables.length}`);
    const known = read.get(index) ?? readTensor(table, names[index]!, buffers);
    read.set(index, known);
    return known;
  };
  const ends = (field: number): FileTensor[] =>
    subgraph.int32s(field, MOST.ends, 'inputs or outputs').map((index) => tensorAt(index));
  const operations = operationsOf(subgraph, codes, tensorAt);
  if (operations.length === 0) throw new InvalidModelError('the model has no operators');
  expectNodes(
    operations.map(({ inputs, outputs }) => ({
      name: outputs[0]?.name ?? '',
      inputs: inputs.map((tensor) => tensor?.name ?? ''),
      outputs: outputs.map((tensor) => tensor.name),
    })),
    constantLengths(operations),
  );
  const builder = new Builder(names);
  for (const operation of operations) convert(operation, builder);
  const [inputs, outputs] = [
    ends(1)
      .filter(({ bytes: constant }) => !constant)
      .map(inputInfo),
    ends(2),
  ];
  const { constants, tensors } = builder;
  const outputNames = outputs.map(({ name }) => name);
  const signatures = model.tables(7, MOST.codes, 'signatures');
  const inputNames = inputs.map(({ name }) => name);
  const signature = {
    inputs: calledBy(signatures, 0, names, inputNames),
    outputs: calledBy(signatures, 1, names, outputNames),
  };
  const known = new Set([...inputNames, ...constants.keys()]);
  return {
    name: subgraph.text(4, MOST.name, 'characters in a name'),
    format: 'tflite',
    layout: 'NHWC',
    engine: 'xnnpack',
    nodes: sortNodes(builder.nodes, known, outputNames),
    inputs,
    outputs: outputNames,
    ...(signatures.length > 0 && { signature }),
    constants,
    tensors,
  };
}

function constantLengths(operations: readonly Operation[]): (tensor: string) => number {
  const used = operations.flatMap(({ inputs }) => inputs).filter((tensor) => tensor?.bytes);
  const lengths = new Map(used.map((tensor) => [tensor!.name, elementCount(tensor!.shape)]));
  return (tensor) => lengths.get(tensor) ?? 0;
}
