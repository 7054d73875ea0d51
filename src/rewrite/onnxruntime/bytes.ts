import { UnsupportedModelError } from '../../errors.ts';
import { BUDGET, Spending } from '../../graph/budget.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import { byteRange, type Constant, type GraphNode, type QuantizedType } from '../../graph/graph.ts';
import { MOVES } from '../../graph/moves.ts';
import { floatFunction } from '../../engines/onnxruntime_float32.ts';
import { propagateUp } from './fusion.ts';
import { joinFloatProducts } from './floats.ts';
import { joinGelus } from './gelu.ts';
import { batchNormalization, expandNormalizations } from './normalizations.ts';
import { dequantized } from './pairs.ts';
import type { Engine, TensorQuantization } from '../../engines/engine.ts';
import { f32 } from '../../engines/rounding.ts';

/**
 * What an engine leaves in float between 8-bit tensors, on bytes: moves are made on bytes, and a chain of element-wise
 * operators is a table of what its float32 arithmetic gives for each byte, or each pair of bytes. Changes no value.
 */

/** The most operators in one table. An operand that is used twice is evaluated twice, and so counts twice. */
const MOST_OPERATORS = 64;

const BYTES = 256;

/** A float32 tensor as an element-wise function of 8-bit tensors. */
interface Expression {
  readonly sources: readonly string[];
  /** From the sources' values, in their order. */
  readonly value: (bytes: readonly number[]) => number;
  /** The operators on the way, DequantizeLinear not included. */
  readonly operators: readonly string[];
  /** The most dimensions of a constant on the way: a tensor of fewer would have as many behind it. */
  readonly rank: number;
  /** Of how many dimensions the tensors have to be, where one has channels. */
  readonly dimensions?: number;
}

function dimensionsOf(expressions: readonly Expression[]): Pick<Expression, 'dimensions'> {
  const dimensions = expressions.find((e) => e.dimensions !== undefined)?.dimensions;
  return dimensions === undefined ? {} : { dimensions };
}

function whole({ type, quantization }: QuantizedType): TensorQuantization | undefined {
  if (quantization.scale.length !== 1) return undefined;
  return { type, scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! };
}

class Tabulation {
  readonly #draft: GraphDraft;
  readonly #engine: Engine;
  readonly #evaluations = new Spending('entries in tables of functions', BUDGET.tableEntries);
  readonly #known = new Map<string, Expression | undefined>();

  constructor(draft: GraphDraft, engine: Engine) {
    this.#draft = draft;
    this.#engine = engine;
  }

  /** Derives what there is, operands first: nothing recurses along a chain of any length. */
  deriveAll(): void {
    for (const { outputs } of this.#draft.nodes) this.expression(outputs[0]!);
  }

  quantization(tensor: string): TensorQuantization | undefined {
    const declared = this.#draft.quantized(tensor);
    return declared && whole(declared);
  }

  expression(tensor: string): Expression | undefined {
    if (!this.#known.has(tensor)) this.#known.set(tensor, this.#derive(tensor));
    return this.#known.get(tensor);
  }

  #derive(tensor: string): Expression | undefined {
    const constant = this.#draft.constants.get(tensor);
    if (constant) return constant.data instanceof Float32Array ? this.#constant(constant) : undefined;
    const node = this.#draft.producer(tensor);
    if (!node) return undefined;
    if (node.op === 'DequantizeLinear') return this.#dequantized(node.inputs[0]!);
    if (node.op === 'BatchNormalization') return this.#normalized(node);
    const f = floatFunction(node, this.#engine);
    const operands = node.inputs.map((input) => (input === '' ? 'absent' : this.expression(input)));
    if (!f || operands.some((operand) => operand === undefined)) return undefined;
    const expressions = operands as readonly (Expression | 'absent')[];
    const present = expressions.filter((e) => e !== 'absent');
    const sources = [...new Set(present.flatMap((e) => e.sources))];
    const operators = [...present.flatMap((e) => e.operators), node.op];
    if (sources.length > 2 || operators.length > MOST_OPERATORS) return undefined;
    const arguments_ = expressions.map((e) =>
      e === 'absent'
        ? () => undefined
        : (bytes: readonly number[]) => e.value(e.sources.map((source) => bytes[sources.indexOf(source)]!)),
    );
    return {
      sources,
      value: (bytes) => f(...(arguments_.map((argument) => argument(bytes)) as number[])),
      operators,
      rank: Math.max(...present.map((e) => e.rank)),
      ...dimensionsOf(present),
    };
  }

  /** A function of x and a byte that numbers the channels that differ. */
  #normalized(node: GraphNode): Expression | undefined {
    const x = this.expression(node.inputs[0]!);
    const lines = x?.sources.length === 1 ? batchNormalization(this.#draft, node) : undefined;
    if (!x || !lines) return undefined;
    const { factors, offsets } = lines;
    // by their bits: 0 and -0 are two
    const [bits, others] = [factors, offsets].map(({ buffer }) => new Uint32Array(buffer)) as [
      Uint32Array,
      Uint32Array,
    ];
    const pairs = Array.from(bits, (factor, c) => `${factor} ${others[c]}`);
    const distinct = [...new Set(pairs)].map((pair) => pairs.indexOf(pair));
    if (distinct.length > BYTES) return undefined;
    const codes = Uint8Array.from(pairs, (pair) => distinct.findIndex((c) => pairs[c] === pair));
    const quantization = { scale: Float32Array.of(1), zeroPoint: Int32Array.of(0) };
    const channels = { type: 'uint8', shape: [1, codes.length, 1, 1], data: codes, quantization } as const;
    const at = (code: number): number => distinct[Math.min(code, distinct.length - 1)]!;
    return {
      sources: [...x.sources, this.#draft.addConstant(`${node.name}.channels`, channels)],
      value: ([q, code]) => f32(f32(x.value([q!]) * factors[at(code!)]!) + offsets[at(code!)]!),
      operators: [...x.operators, 'BatchNormalization'],
      rank: x.rank,
      dimensions: 4,
    };
  }

  #dequantized(source: string): Expression | undefined {
    const quantization = this.quantization(source);
    if (!quantization) return undefined;
    const dequantize = this.#engine.dequantize(quantization);
    const constant = this.#draft.constants.get(source);
    if (!constant) return { sources: [source], value: ([q]) => dequantize(q!), operators: [], rank: 0 };
    return this.#constant({ ...constant, data: Float32Array.from(constant.data as Uint8Array, dequantize) });
  }

  /** One value; or several, as a tensor of bytes that number those that differ. */
  #constant({ name, shape, data }: Constant): Expression | undefined {
    // by their bits: 0 and -0 are two
    const bits = new Uint32Array(Float32Array.from(data as Float32Array).buffer);
    const distinct = Uint32Array.from(new Set(bits));
    const values = new Float32Array(distinct.buffer);
    const [value] = values;
    const last = values.length - 1;
    if (values.length > BYTES || value === undefined) return undefined;
    if (data.length === 1) return { sources: [], value: () => value, operators: [], rank: shape.length };
    const codes = Uint8Array.from(bits, (v) => distinct.indexOf(v));
    const quantization = { scale: Float32Array.of(1), zeroPoint: Int32Array.of(0) };
    const source = this.#draft.addConstant(`${name}.codes`, { type: 'uint8', shape, data: codes, quantization });
    return { sources: [source], value: ([code]) => values[Math.min(code!, last)]!, operators: [], rank: 0 };
  }

  /** The node that looks a function of one or two tensors' values up. */
  lookup(
    node: GraphNode,
    sources: readonly string[],
    output: string,
    f: (bytes: readonly number[]) => number,
    expected: { readonly rank?: number; readonly dimensions?: number } = {},
  ): GraphNode {
    const { rank = 0, dimensions = 0 } = expected;
    const least = sources.map((source) => byteRange(this.quantization(source)!.type)[0]);
    const entries = 256 ** sources.length;
    this.#evaluations.add(entries, `node '${node.name}' (${node.op})`);
    const bytesOf = (i: number): number[] =>
      sources.length === 1 ? [i + least[0]!] : [(i >> 8) + least[0]!, (i & 255) + least[1]!];
    const values = Float32Array.from({ length: entries }, (_, i) => f(bytesOf(i)));
    if (values.some(Number.isNaN))
      throw new UnsupportedModelError(
        `node '${node.name}' (${node.op}): '${output}' is not a number for some values of ${sources.join(', ')}; supported: functions that are numbers`,
      );
    const type = this.quantization(output)?.type ?? 'float32';
    const data = type === 'float32' ? values : type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
    const shape = sources.map(() => 256);
    const table = this.#draft.addConstant(`${output}.table`, { type, shape, data });
    return {
      name: node.name,
      op: sources.length === 1 ? 'Table' : 'PairTable',
      inputs: [...sources, table],
      outputs: [output],
      attributes: { rank, dimensions },
    };
  }
}

/** Moves of bytes keep their quantization: where the output has another, the input is requantized before. */
function alignMoves(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [target] = node.outputs as [string];
    const output = draft.quantized(target);
    if (!MOVES.has(node.op) || !output) continue;
    const before: GraphNode[] = [];
    const count = node.op === 'Concat' ? node.inputs.length : 1;
    const inputs = node.inputs.map((input, i) => {
      const own = i < count ? movedFrom(draft, input) : undefined;
      if (!own || draft.sameQuantization(own.name, target)) return input;
      if ((node.op !== 'Concat' && own.type === output.type) || own.name !== input)
        throw new UnsupportedModelError(
          `node '${node.name}' (${node.op}): '${input}' and '${target}' are quantized differently; supported: moves of bytes that keep the quantization`,
        );
      const bytes = draft.declare(`${input}.requantized`, output.type, output.quantization);
      const real = `${bytes}.real`;
      before.push(
        { name: node.name, op: 'DequantizeLinear', inputs: [input], outputs: [real], attributes: {} },
        { name: node.name, op: 'QuantizeLinear', inputs: [real], outputs: [bytes], attributes: {} },
      );
      return bytes;
    });
    if (before.length > 0) draft.replace(node, [...before, { ...node, inputs }]);
  }
}

/** Operators whose sums are float32 where the engine leaves them between DequantizeLinear and QuantizeLinear. */
const SUMS = new Set(['ReduceMean', 'AveragePool', 'ResizeLinear']);

/** DequantizeLinear, such an operator, QuantizeLinear: one operator from bytes to bytes. */
function joinSums(draft: GraphDraft): void {
  for (const quantize of [...draft.nodes]) {
    if (quantize.op !== 'QuantizeLinear') continue;
    const node = draft.producer(quantize.inputs[0]!);
    if (!node || !SUMS.has(node.op)) continue;
    const source = dequantized(draft, node.inputs[0]!);
    if (source === undefined) continue;
    const attributes = node.op === 'ReduceMean' ? node.attributes : { ...node.attributes, float: 1 };
    const inputs = [source, ...node.inputs.slice(1)];
    draft.replace(quantize, [{ ...node, inputs, outputs: quantize.outputs, attributes }]);
  }
}

/** Operators on bytes whose other operand is one constant, and those that are functions of one byte to begin with. */
function tabulateBytes(draft: GraphDraft, engine: Engine, tabulation: Tabulation): void {
  for (const node of [...draft.nodes]) {
    const [target] = node.outputs as [string];
    const output = tabulation.quantization(target);
    if (!output) continue;
    if (node.op === 'Sigmoid' || node.op === 'LeakyRelu') {
      const input = tabulation.quantization(node.inputs[0]!);
      if (!input) continue;
      const [f, dequantize] = [floatFunction(node, engine)!, engine.dequantize(input)];
      const quantize = engine.quantize(output);
      draft.replace(node, [tabulation.lookup(node, [node.inputs[0]!], target, ([q]) => quantize(f(dequantize(q!))))]);
    } else if (node.op === 'Add' || node.op === 'Mul') {
      const [a, b] = node.inputs.map((input) => tabulation.quantization(input));
      const at = node.inputs.findIndex((input) => draft.constants.get(input)?.data.length === 1);
      if (!a || !b || at < 0) continue;
      const constant = draft.constants.get(node.inputs[at]!)!;
      const value = Number(constant.data[0]);
      const tableOf = (swapped: boolean): GraphNode => {
        const layer = { a, b, output };
        const f = node.op === 'Add' ? engine.add({ ...layer, relu: false, swapped }).body : engine.multiply!(layer);
        const of = at === 0 ? ([q]: readonly number[]) => f(value, q!) : ([q]: readonly number[]) => f(q!, value);
        return tabulation.lookup(node, [node.inputs[1 - at]!], target, of, { rank: constant.shape.length });
      };
      draft.replace(node, [at === 0 ? tableOf(true) : byShape(draft, tableOf(false), tableOf(true), constant.shape)]);
    }
  }
}

/** Which of two tables holds is decided by the tensor's shape, which is not known here; mostly they are the same. */
function byShape(draft: GraphDraft, node: GraphNode, swapped: GraphNode, constant: readonly number[]): GraphNode {
  const [table, other] = [node, swapped].map(({ inputs }) => inputs[1]!) as [string, string];
  const [values, others] = [table, other].map((name) => draft.constants.get(name)!.data) as [Uint8Array, Uint8Array];
  if (values.every((value, i) => value === others[i])) return node;
  return { ...node, inputs: [node.inputs[0]!, table, other], attributes: { ...node.attributes, constant } };
}

function tabulateQuantizing(draft: GraphDraft, engine: Engine, tabulation: Tabulation): void {
  tabulation.deriveAll();
  for (const node of [...draft.nodes]) {
    const [target] = node.outputs as [string];
    const output = tabulation.quantization(target);
    if (node.op !== 'QuantizeLinear' || !output) continue;
    const expression = tabulation.expression(node.inputs[0]!);
    if (!expression || expression.sources.length < 1 || expression.sources.length > 2) continue;
    const { sources, value, operators } = expression;
    // a sum that is used in float beside (a residual trunk) is computed in float anyway
    const isTrunk = operators.every((op) => op === 'Add') && draft.consumers(node.inputs[0]!).length > 1;
    if (sources.length === 2 && isTrunk) continue;
    const quantize = engine.quantize(output);
    draft.replace(node, [tabulation.lookup(node, sources, target, (bytes) => quantize(value(bytes)), expression)]);
  }
}

/** Float tensors that are needed as they are, and are functions of one byte: 256 float32 values. */
function tabulateFloats(draft: GraphDraft, tabulation: Tabulation): void {
  for (const node of [...draft.nodes]) {
    if (node.op === 'DequantizeLinear' || node.op === 'QuantizeLinear') continue;
    const [target] = node.outputs as [string];
    const expression = draft.quantized(target) ? undefined : tabulation.expression(target);
    if (expression?.sources.length !== 1) continue;
    draft.replace(node, [tabulation.lookup(node, expression.sources, target, expression.value, expression)]);
  }
}

/** A tensor's quantization, followed back through moves where the tensor itself has none. */
function movedFrom(draft: GraphDraft, tensor: string): QuantizedType | undefined {
  const node = draft.producer(tensor);
  return draft.quantized(tensor) ?? (node && MOVES.has(node.op) ? movedFrom(draft, node.inputs[0]!) : undefined);
}

/** A Pad that onnxruntime joins with a MaxPool pads with less than any value: the same where its own value is the least. */
function refuseJoinedPads(draft: GraphDraft): void {
  for (const { name, op, inputs, outputs, attributes } of draft.nodes) {
    if (op !== 'Pad' || attributes['joined'] === undefined) continue;
    const output = draft.quantized(outputs[0]!) ?? movedFrom(draft, inputs[0]!);
    if (!output) continue;
    const given = inputs[2] ? draft.constants.get(inputs[2])?.data[0] : attributes['value'];
    if (Number(given ?? 0) !== byteRange(output.type)[0])
      throw new UnsupportedModelError(
        `node '${name}' (Pad): before a MaxPool, of which onnxruntime makes one node that pads with nothing; ` +
          'supported: a value that is the least of the type (behind a Relu it is)',
      );
  }
}

/**
 * Of a MatMulInteger's sums times a product of two tensors onnxruntime multiplies with one after the other where they are
 * no scales of quantization: in which order depends on their shapes.
 */
function refuseProductsOfSums(draft: GraphDraft): void {
  const isScale = (tensor: string): boolean =>
    draft.producer(tensor)?.op === 'DynamicScale' || (draft.constants.get(tensor)?.shape.length ?? 2) < 2;
  for (const { name, op, inputs } of draft.nodes) {
    const makers = inputs.map((input) => draft.producer(input));
    const sums = makers.find((maker) => maker?.op === 'Cast');
    const product = makers.find((maker) => maker?.op === 'Mul');
    if (op !== 'Mul' || !product || !sums || draft.producer(sums.inputs[0]!)?.op !== 'MatMulInteger') continue;
    if (!product.inputs.every(isScale))
      throw new UnsupportedModelError(
        `node '${name}' (Mul): the sums of a MatMulInteger times the product '${product.outputs[0]}', of which onnxruntime ` +
          "takes one factor after the other; supported: products of DynamicQuantizeLinear's scales and constants of at most one dimension",
      );
  }
}

/** Of a ReduceMean of what a Transpose gives onnxruntime makes one of what the Transpose takes: the sums have another order. */
function refuseTransposedMeans(draft: GraphDraft): void {
  for (const { name, op, inputs, outputs } of draft.nodes)
    if (op === 'ReduceMean' && !draft.quantized(outputs[0]!) && draft.producer(inputs[0]!)?.op === 'Transpose')
      throw new UnsupportedModelError(
        `node '${name}' (ReduceMean): in float32 behind a Transpose, before which onnxruntime takes the mean; ` +
          'supported: the Transpose behind the ReduceMean',
      );
}

/** (1 / x) * y, where nothing else uses the reciprocal, is y / x to onnxruntime. */
function divideInstead(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [one, x] = node.inputs;
    const constant = draft.constants.get(one ?? '');
    if (node.op !== 'Div' || constant?.type !== 'float32' || constant.data.length !== 1 || constant.data[0] !== 1)
      continue;
    const [reciprocal] = node.outputs as [string];
    const product = draft.soleConsumer(reciprocal);
    const y = product?.inputs.find((input) => input !== reciprocal);
    if (product?.op !== 'Mul' || y === undefined) continue;
    draft.replace(node, []);
    draft.replace(product, [{ ...product, op: 'Div', inputs: [y, x!] }]);
  }
}

/** Moves that compare: of floats among which is NaN they choose otherwise than of bytes, of which NaN is any other. */
const COMPARES = new Set(['MaxPool', 'ReduceMax']);

/** Is a move's input computed in float32? That may be NaN; what follows from bytes, or the caller gives, is not. */
function mayBeNaN(draft: GraphDraft, engine: Engine): (node: GraphNode) => boolean {
  const tabulation = new Tabulation(draft, engine);
  tabulation.deriveAll();
  return ({ inputs }) => {
    let source = draft.producer(inputs[0]!);
    while (source && MOVES.has(source.op)) source = draft.producer(source.inputs[0]!);
    return source !== undefined && tabulation.expression(source.outputs[0]!) === undefined;
  };
}

/** Rewrites what is left in float between 8-bit tensors so that it works on bytes. */
export function toBytes(draft: GraphDraft, engine: Engine): void {
  const isOpen = engine.float32 ? mayBeNaN(draft, engine) : () => false;
  propagateUp(draft, MOVES, (node) => !COMPARES.has(node.op) || !isOpen(node));
  draft.sweep();
  refuseProductsOfSums(draft);
  joinFloatProducts(draft);
  divideInstead(draft);
  joinGelus(draft);
  joinSums(draft);
  alignMoves(draft);
  const tabulation = new Tabulation(draft, engine);
  tabulateBytes(draft, engine, tabulation);
  tabulateQuantizing(draft, engine, tabulation);
  draft.sweep();
  tabulateFloats(draft, tabulation);
  expandNormalizations(draft);
  refuseJoinedPads(draft);
  refuseTransposedMeans(draft);
}
