import { UnsupportedModelError } from '../../errors.ts';
import { GraphDraft } from '../../graph/draft.ts';
import { byteRange, elementCount, type Attribute, type Graph, type GraphNode } from '../../graph/graph.ts';
import { dequantized, label, PASSES, PROPAGATES, quantizing, simplify } from './pairs.ts';
import type { Engine } from '../../engines/engine.ts';
import { f32, roundHalfEven } from '../../engines/rounding.ts';
import { foldQuantized } from './constants.ts';
import { quantizeBias, quantizeConstants } from './quantized_constants.ts';

/**
 * What onnxruntime (1.30 in the web, 1.32 elsewhere) makes of Q/DQ models at its default optimization level on a CPU, read
 * off its optimized graphs: which float operators between DequantizeLinear and QuantizeLinear become integer ones. What
 * stays float is left alone here.
 */

/** What differs from processor to processor. */
export interface Fusions {
  /**
   * Do int8 activations stay, with kernels of their own (ARM)? Elsewhere (the web build, x64) they become uint8 where they
   * can, and are computed in float where not.
   */
  readonly int8: boolean;
}

/** Fused where both sides have the same type. */
const FUSES = new Set([
  'Conv',
  'MatMul',
  'Gemm',
  'Add',
  'Mul',
  'AveragePool',
  'GlobalAveragePool',
  'Concat',
  'Softmax',
]);
/** Fused without a QuantizeLinear behind them, too: their output is float32. */
const FUSES_TO_FLOAT = new Set(['MatMul', 'Gemm']);
/** Sums of products. */
const LINEAR = new Set(['Conv', 'MatMul', 'Gemm']);
/** Sums of products that it has not of bytes. */
const FLOATS_ALONE = new Set(['ConvTranspose']);
/** How far a bias' scale may be from that of the products for a Conv to fuse. */
const BIAS_TOLERANCE = 0.01;

/** DequantizeLinear, move: the same move of bytes, then DequantizeLinear. */
function propagateDown(draft: GraphDraft, pairs: Set<string>): void {
  for (const node of [...draft.nodes]) {
    const x = node.inputs[0] ?? '';
    const source = dequantized(draft, x);
    if (source === undefined || draft.constants.has(source)) continue;
    const consumer = draft.soleConsumer(node.outputs[0]!);
    const joinsConv = node.op === 'Pad' && consumer?.op === 'Conv' && isZeroPad(draft, node);
    if (!PROPAGATES.has(node.op) && !joinsConv) continue;
    // it goes no further where a QuantizeLinear is among those behind
    if (draft.consumers(node.outputs[0]!).some(({ op }) => op === 'QuantizeLinear')) continue;
    const { type, quantization } = draft.quantized(source)!;
    const moved = draft.declare(`${node.outputs[0]}.quantized`, type, quantization);
    pairs.add(moved);
    draft.replace(node, [
      { ...node, inputs: [source, ...operandsInBytes(draft, node, 1, moved)], outputs: [moved] },
      { name: node.name, op: 'DequantizeLinear', inputs: [moved], outputs: node.outputs, attributes: {} },
    ]);
  }
}

/** Zeros at the borders are what a Conv pads with: onnxruntime makes one of both. */
function isZeroPad(draft: GraphDraft, node: GraphNode): boolean {
  const value = node.inputs[2] ? draft.constants.get(node.inputs[2]) : undefined;
  const isZero = node.inputs[2] ? value !== undefined && Number(value.data[0]) === 0 : true;
  return isZero && (node.attributes['mode'] ?? 'constant') === 'constant' && !node.attributes['value'];
}

/**
 * Move, QuantizeLinear: QuantizeLinear, then the same move of bytes. Changes no value, for QuantizeLinear is
 * non-decreasing.
 *
 * @param may asked before each
 */
export function propagateUp(
  draft: GraphDraft,
  operators: ReadonlySet<string>,
  may: (node: GraphNode) => boolean = () => true,
): void {
  for (let changed = true; changed;) {
    changed = false;
    // each replaced node may let the QuantizeLinear before it go on
    const waiting = draft.nodes.filter((node) => node.op === 'QuantizeLinear').reverse();
    for (let quantize = waiting.pop(); quantize; quantize = waiting.pop()) {
      const node = draft.producer(quantize.inputs[0]!);
      if (!node || !operators.has(node.op) || !may(node)) continue;
      const [target] = quantize.outputs as [string];
      const { type, quantization } = draft.quantized(target)!;
      const moving = node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
      const before: GraphNode[] = [];
      const operands = moving.map((input) => {
        const source = dequantized(draft, input);
        if (source !== undefined && draft.sameQuantization(source, target)) return source;
        const bytes = draft.declare(`${input}.quantized`, type, quantization);
        before.push({ name: quantize!.name, op: 'QuantizeLinear', inputs: [input], outputs: [bytes], attributes: {} });
        return bytes;
      });
      const rest = operandsInBytes(draft, node, moving.length, target);
      draft.replace(quantize, [...before, { ...node, inputs: [...operands, ...rest], outputs: [target] }]);
      waiting.push(...before.reverse());
      changed = true;
    }
  }
}

/** A Pad's value in float32: a constant, or 8 bits behind a DequantizeLinear; undefined where it is no float32. */
function padValue(draft: GraphDraft, { inputs }: GraphNode): number | undefined {
  const [, , value] = inputs;
  if (!value) return 0;
  const constant = draft.constants.get(value);
  if (constant) return constant.type === 'float32' ? Number(constant.data[0]) : undefined;
  const bytes = draft.constants.get(dequantized(draft, value) ?? '');
  if (bytes?.quantization?.scale.length !== 1 || bytes.data.length !== 1) return undefined;
  const { scale, zeroPoint } = bytes.quantization;
  return f32((Number(bytes.data[0]) - zeroPoint[0]!) * scale[0]!);
}

/** The operands of a move from one on, as its move of bytes has them: a Pad's value is a byte of the target's quantization. */
function operandsInBytes(draft: GraphDraft, node: GraphNode, from: number, target: string): string[] {
  const rest = node.inputs.slice(from);
  if (node.op !== 'Pad') return rest;
  const value = padValue(draft, node);
  if (value === undefined) return rest;
  const { type, quantization } = draft.quantized(target)!;
  const [min, max] = byteRange(type);
  const q = roundHalfEven(f32(value / quantization.scale[0]!)) + quantization.zeroPoint[0]!;
  const byte = Math.min(Math.max(q, min), max);
  const data = type === 'uint8' ? Uint8Array.of(byte) : Int8Array.of(byte);
  const fill = draft.addConstant(`${target}.fill`, { type, shape: [], data });
  return [node.inputs[1] ?? '', fill, ...node.inputs.slice(3)].slice(from - 1);
}

/** Does onnxruntime move a QuantizeLinear up over a node? Only where nothing else uses what is before and behind it. */
const movesUp =
  (draft: GraphDraft, pairs: Set<string>) =>
  (node: GraphNode): boolean => {
    const [x, output] = [node.inputs[0]!, node.outputs[0]!];
    const quantize = quantizing(draft, node);
    if (!quantize) return false;
    const isGiven = draft.producer(x) === undefined;
    if (!isGiven && dequantized(draft, x) === undefined) {
      if (draft.edges(x) !== 1) return false;
      if (draft.isOutput(x)) {
        if (node.op !== 'Transpose' || isMovedFromBytes(draft, x)) return false;
        quantizeOutput(draft, x, quantize.outputs[0]!);
        return false;
      }
    }
    pairs.add(quantize.outputs[0]!);
    return output !== undefined;
  };

/** Do only moves lie between a DequantizeLinear and a tensor? Then the DequantizeLinear moves down to it. */
function isMovedFromBytes(draft: GraphDraft, tensor: string): boolean {
  let node = draft.producer(tensor);
  while (node && PROPAGATES.has(node.op)) node = draft.producer(node.inputs[0]!);
  return node?.op === 'DequantizeLinear';
}

/** A float output of the graph before a Transpose and a QuantizeLinear: what the caller gets has been quantized, too. */
function quantizeOutput(draft: GraphDraft, x: string, like: string): void {
  const { type, quantization } = draft.quantized(like)!;
  const producer = draft.producer(x)!;
  const real = draft.declareReal(`${x}.real`);
  const bytes = draft.declare(`${x}.quantized`, type, quantization);
  draft.replace(producer, [
    { ...producer, outputs: producer.outputs.map((output) => (output === x ? real : output)) },
    { name: producer.name, op: 'QuantizeLinear', inputs: [real], outputs: [bytes], attributes: {} },
    { name: producer.name, op: 'DequantizeLinear', inputs: [bytes], outputs: [x], attributes: {} },
  ]);
}

/**
 * A Transpose of several users goes, on its way down, behind each of them: the DequantizeLinear before it has several users
 * then. Whether the tensor is int8 decides whether the operator before it is fused.
 */
function expectTransposeStays(draft: GraphDraft, quantize: GraphNode, dequantize: GraphNode): void {
  const transpose = draft.consumers(dequantize.outputs[0]!)[0];
  if (transpose?.op !== 'Transpose') return;
  let node: GraphNode | undefined = quantize;
  while (node && (node.op === 'QuantizeLinear' || PROPAGATES.has(node.op))) node = draft.producer(node.inputs[0]!);
  if (!node || !FUSES.has(node.op)) return;
  const [output] = transpose.outputs as [string];
  const through = draft.consumers(output).find(({ op }) => PASSES.has(op) && op !== 'QuantizeLinear');
  if (through && draft.edges(output) > 1)
    throw new UnsupportedModelError(
      `${label(transpose)}: int8, with several users, through one of which (${label(through)}) onnxruntime may move it; ` +
        'supported: one user, or uint8 tensors',
    );
}

/**
 * An int8 tensor between one QuantizeLinear and one DequantizeLinear with one user becomes uint8: values and zero point
 * go up by 128. A move of bytes that was one of floats counts as a DequantizeLinear before and a QuantizeLinear behind
 * it, which it was.
 *
 * @param pairs outputs of such moves
 */
function signedToUnsigned(draft: GraphDraft, pairs: ReadonlySet<string>): void {
  const isMove = (node: GraphNode): boolean => pairs.has(node.outputs[0]!);
  // a DequantizeLinear is one for each of its users, of which a DynamicQuantizeLinear is one, whose range is a node of its own
  const uses = (user: GraphNode): number => {
    if (user.op !== 'DequantizeLinear') return 1;
    const [real] = user.outputs as [string];
    const ranges = draft.consumers(real).filter(({ op }) => op === 'DynamicRange').length;
    return Math.max(1, draft.edges(real) - ranges + (draft.isOutput(real) ? 1 : 0));
  };
  for (const node of draft.nodes) {
    const [tensor] = node.outputs as [string];
    if ((node.op !== 'QuantizeLinear' && !isMove(node)) || draft.quantized(tensor)?.type !== 'int8') continue;
    const user = draft.soleConsumer(tensor);
    if (!user || (user.op !== 'DequantizeLinear' && !isMove(user)) || uses(user) !== 1) continue;
    expectTransposeStays(draft, node, user);
    const { scale, zeroPoint } = draft.quantized(tensor)!.quantization;
    const quantization = { scale, zeroPoint: zeroPoint.map((z) => z + 128) };
    draft.tensors.set(tensor, { name: tensor, type: 'uint8', quantization });
  }
}

/** Relu and Clip before a QuantizeLinear that cannot represent what they cut off anyway are dropped. */
function dropClamps(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    if (node.op !== 'Relu' && node.op !== 'Clip') continue;
    const quantize = quantizing(draft, node);
    const target = quantize && draft.quantized(quantize.outputs[0]!);
    if (!quantize || !target) continue;
    const [min, max] = byteRange(target.type);
    const [scale, zero] = [target.quantization.scale[0]!, target.quantization.zeroPoint[0]!];
    const bound = (operand: number, attribute: string, without: number): number => {
      const name = node.inputs[operand];
      return name ? Number(draft.constants.get(name)?.data[0] ?? NaN) : Number(node.attributes[attribute] ?? without);
    };
    const isCovered =
      node.op === 'Relu'
        ? zero === min
        : bound(1, 'min', -Infinity) - f32(scale * (min - zero)) <= 2 ** -23 &&
          f32(scale * (max - zero)) - bound(2, 'max', Infinity) <= 2 ** -23;
    if (!isCovered) continue;
    draft.replace(node, []);
    draft.replace(quantize, [{ ...quantize, inputs: [node.inputs[0]!] }]);
  }
}

/** MatMul of two dimensions, Add of a constant: a Gemm. */
function addBiases(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    if (node.op !== 'MatMul' || dequantized(draft, node.inputs[0]!) === undefined) continue;
    const add = draft.soleConsumer(node.outputs[0]!);
    if (add?.op !== 'Add') continue;
    const bias = add.inputs.find((input) => input !== node.outputs[0]);
    const values = bias === undefined ? undefined : draft.constants.get(dequantized(draft, bias) ?? bias);
    const weight = draft.constants.get(dequantized(draft, node.inputs[1]!) ?? '');
    if (!values || weight?.shape.length !== 2 || elementCount(values.shape) !== weight.shape[1]) continue;
    draft.replace(node, []);
    draft.replace(add, [
      { ...node, op: 'Gemm', name: add.name, inputs: [...node.inputs, bias!], outputs: add.outputs },
    ]);
  }
}

/** A bias as the fused operator takes it: int32 values in units of the products; undefined where it prevents the fusion. */
function fusedBias(
  draft: GraphDraft,
  node: GraphNode,
  bias: string,
  input: string,
  weight: string,
  toFloat: boolean,
): string | undefined {
  const float = draft.constants.get(bias);
  if (float?.type === 'float32') return toFloat ? undefined : quantizeBias(draft, float, input, weight);
  const source = dequantized(draft, bias);
  const constant = source === undefined ? undefined : draft.constants.get(source);
  if (constant?.type !== 'int32' || !constant.quantization) return undefined;
  if (node.op === 'Gemm') return source;
  const sx = draft.quantized(input)!.quantization.scale[0]!;
  const sw = draft.quantized(weight)!.quantization.scale;
  const { scale, zeroPoint } = constant.quantization;
  const fits = Array.from({ length: Math.max(scale.length, sw.length) }, (_, i) => {
    const wanted = f32(sx * sw[sw.length === 1 ? 0 : i]!);
    return Math.abs(scale[scale.length === 1 ? 0 : i]! - wanted) <= BIAS_TOLERANCE * wanted;
  }).every(Boolean);
  return fits && zeroPoint.every((z) => z === 0) ? source : undefined;
}

/** Are weights with a scale for each channel quantized along their output channels? */
function scalesFitAxis(draft: GraphDraft, node: GraphNode, weight: string): boolean {
  const { shape, quantization } = draft.constants.get(weight) ?? {};
  if (!shape || !quantization || quantization.scale.length === 1) return true;
  const { axis = 0 } = quantization;
  const outputs = node.op === 'Conv' || Number(node.attributes['transB'] ?? 0) !== 0 ? 0 : shape.length - 1;
  return (axis < 0 ? axis + shape.length : axis) === outputs;
}

/** The operands of a node as a fused operator has them; undefined where one prevents the fusion. */
function fusedOperands(draft: GraphDraft, node: GraphNode, toFloat: boolean): string[] | undefined {
  const isLinear = LINEAR.has(node.op);
  const count = isLinear ? 2 : node.inputs.length;
  const sources: string[] = [];
  for (const input of node.inputs.slice(0, count)) {
    const source = dequantized(draft, input);
    if (source === undefined || !draft.quantized(source)) return undefined;
    sources.push(source);
  }
  if (isLinear && !scalesFitAxis(draft, node, sources[1]!)) return undefined;
  const bias = isLinear ? node.inputs[2] : undefined;
  if (!bias) return sources;
  const fused = fusedBias(draft, node, bias, sources[0]!, sources[1]!, toFloat);
  return fused === undefined ? undefined : [...sources, fused];
}

/** May the operator be an integer one between these types? */
function typesFit(
  node: GraphNode,
  types: readonly (string | undefined)[],
  output: string | undefined,
  { int8 }: Fusions,
): boolean {
  const [input, second] = types;
  switch (node.op) {
    case 'Conv':
    case 'MatMul':
      return (input === 'uint8' || (int8 && second === 'int8')) && (output === undefined || output === input);
    case 'Gemm':
      return (output === undefined || output === input) && (input === 'uint8' || second === 'int8');
    default:
      return types.every((type) => type === output);
  }
}

/** Is it fused though no QuantizeLinear alone uses its result? Not where one uses it beside others. */
const mayStayFloat = (draft: GraphDraft, { op, outputs }: GraphNode): boolean =>
  FUSES_TO_FLOAT.has(op) && !draft.consumers(outputs[0]!).some((user) => user.op === 'QuantizeLinear');

/** DequantizeLinear, operator, QuantizeLinear: the operator on bytes, where onnxruntime has it. */
function fuseOperators(draft: GraphDraft, fusions: Fusions): void {
  for (const node of [...draft.nodes]) {
    if (!FUSES.has(node.op)) continue;
    const quantize = quantizing(draft, node);
    if (!quantize && !mayStayFloat(draft, node)) continue;
    const target = quantize?.outputs[0] ?? node.outputs[0]!;
    const operands = fusedOperands(draft, node, quantize === undefined);
    if (!operands) continue;
    const types = operands.map((operand) => draft.quantized(operand)?.type);
    const count = LINEAR.has(node.op) ? 2 : operands.length;
    const output = quantize ? draft.quantized(target)?.type : undefined;
    if (!typesFit(node, types.slice(0, count), output, fusions)) continue;
    draft.replace(node, [{ ...node, inputs: operands, outputs: [target] }]);
    if (quantize) draft.replace(quantize, []);
  }
}

const listed = (nodes: readonly GraphNode[]): string => nodes.map(label).join(', ');

/** Why an operator of quantized operands was not fused, for people; undefined where that is not clear. */
function whyFloat(draft: GraphDraft, node: GraphNode, { int8 }: Fusions): string | undefined {
  if (FLOATS_ALONE.has(node.op)) return 'onnxruntime has it of floats alone';
  const source = dequantized(draft, node.inputs[0]!);
  if (source === undefined) return undefined;
  const target = quantizing(draft, node)?.outputs[0];
  const signed = [source, target].find((tensor) => tensor !== undefined && draft.quantized(tensor)?.type === 'int8');
  if (signed !== undefined && !int8) {
    const users = draft.consumers(signed).flatMap((user) => draft.consumers(user.outputs[0]!));
    const several = users.length > 1 ? ` and has ${users.length} users (${listed(users)})` : '';
    return `'${signed}' is int8${several}`;
  }
  const [output] = node.outputs as [string];
  const others = draft.consumers(output).filter(({ op }) => op !== 'QuantizeLinear');
  if (draft.isOutput(output)) return `its result '${output}' is an output of the model`;
  return others.length > 0 ? `its result '${output}' is used in float by ${listed(others)}` : undefined;
}

/** Says at each operator that stays in float32 why that is so. */
function explainFloats(draft: GraphDraft, fusions: Fusions): void {
  for (const node of [...draft.nodes]) {
    const mayBeFloat = LINEAR.has(node.op) || FLOATS_ALONE.has(node.op);
    const because = mayBeFloat ? whyFloat(draft, node, fusions) : undefined;
    if (because !== undefined) draft.replace(node, [{ ...node, attributes: { ...node.attributes, because } }]);
  }
}

/** i8 activations with u8 weights have no kernel in onnxruntime. */
function refuseMixedSigns(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    if (!LINEAR.has(node.op)) continue;
    const [input, weight] = node.inputs.map((operand) => draft.quantized(operand)?.type);
    if (input === 'int8' && weight === 'uint8')
      throw new UnsupportedModelError(
        `${label(node)}: int8 activations with uint8 weights, for which onnxruntime has no kernel; ` +
          'supported: uint8 activations, or int8 weights',
      );
  }
}

/** A convolution along one axis, as one of images of one row. */
function expandConvolutions(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [x, w, ...rest] = node.inputs as [string, string];
    const [y] = node.outputs as [string];
    const [weight, input, output] = [draft.constants.get(w), draft.quantized(x), draft.quantized(y)];
    if (node.op !== 'Conv' || weight?.shape.length !== 3 || !input || !output) continue;
    const [outputs, inputs, taps] = weight.shape as [number, number, number];
    const { name: _, ...values } = weight;
    const image = draft.addConstant(`${w}.image`, { ...values, shape: [outputs, inputs, 1, taps] });
    const [from, to] = [input, output].map(({ name, type, quantization }) =>
      draft.declare(`${name}.image`, type, quantization),
    ) as [string, string];
    const wide = Object.entries(node.attributes).map(([key, value]) => [key, widened(key, value)]);
    const axes = { axes: [2] };
    draft.replace(node, [
      { name: node.name, op: 'Unsqueeze', inputs: [x], outputs: [from], attributes: axes },
      { ...node, inputs: [from, image, ...rest], outputs: [to], attributes: Object.fromEntries(wide) },
      { name: node.name, op: 'Squeeze', inputs: [to], outputs: [y], attributes: axes },
    ]);
  }
}

/** Of a row what there is of a line, which has a first and a last end. */
function widened(attribute: string, value: Attribute): Attribute {
  if (!Array.isArray(value)) return value;
  const [first, last] = value as number[];
  return attribute === 'pads' ? [0, first!, 0, last!] : [1, first!];
}

/**
 * Products of bytes whose result is float32, f32(f32(acc + bias) * f32(sx * sw)): int32 sums, and a DequantizeLinear of them,
 * in which the bias is a zero point.
 */
function dequantizeSums(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const [x, w, b] = node.inputs;
    const [input, weight] = [x, w].map((name) => draft.quantized(name ?? ''));
    const [output] = node.outputs as [string];
    if (!FUSES_TO_FLOAT.has(node.op) || !input || !weight || draft.quantized(output)) continue;
    const sx = input.quantization.scale[0]!;
    const scale = Float32Array.from(weight.quantization.scale, (sw) => f32(sx * sw));
    const bias = draft.constants.get(b ?? '')?.data;
    if (b && !(bias instanceof Int32Array)) continue;
    const zeroPoint = bias instanceof Int32Array ? bias.map((v) => -v) : new Int32Array(1);
    const sums = draft.declare(`${output}.sums`, 'int32', { scale, zeroPoint });
    draft.replace(node, [
      { ...node, inputs: [x!, w!], outputs: [sums] },
      { name: node.name, op: 'DequantizeLinear', inputs: [sums], outputs: [output], attributes: {} },
    ]);
  }
}

/** Rewrites a graph's Q/DQ patterns as onnxruntime does; what it leaves in float stays. */
export function fuseOperatorsOf(graph: Graph, fusions: Fusions, engine: Engine): GraphDraft {
  const draft = new GraphDraft(graph);
  foldQuantized(draft, engine);
  const pairs = new Set<string>();
  simplify(draft);
  addBiases(draft);
  propagateUp(draft, PROPAGATES, movesUp(draft, pairs));
  propagateDown(draft, pairs);
  draft.sweep();
  if (engine.float32) quantizeConstants(draft);
  dropClamps(draft);
  if (!fusions.int8) signedToUnsigned(draft, pairs);
  fuseOperators(draft, fusions);
  explainFloats(draft, fusions);
  draft.sweep();
  refuseMixedSigns(draft);
  expandConvolutions(draft);
  dequantizeSums(draft);
  return draft;
}
