import { UnsupportedModelError } from '../errors.ts';
import { GraphDraft } from '../graph/draft.ts';
import { byteRange, elementCount, type Constant, type Graph, type GraphNode } from '../graph/graph.ts';
import { f32, roundHalfEven } from './rounding.ts';

/**
 * What onnxruntime 1.30 makes of Q/DQ models at its default optimization level on a CPU without int8 kernels of its own
 * choosing (the web build, and x64), read off its optimized graphs: which float operators between DequantizeLinear and
 * QuantizeLinear become integer ones. What stays float is left alone here.
 */

/** Operators through which onnxruntime moves a DequantizeLinear down and a QuantizeLinear up. */
const PROPAGATES = new Set(['MaxPool', 'Transpose', 'Slice', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity']);
/** Fused where both sides have the same type. */
const FUSES = new Set(['Conv', 'MatMul', 'Gemm', 'Add', 'Mul', 'AveragePool', 'GlobalAveragePool', 'Concat']);
/** Fused without a QuantizeLinear behind them, too: their output is float32. */
const FUSES_TO_FLOAT = new Set(['MatMul', 'Gemm']);
/** How far a bias' scale may be from that of the products for a Conv to fuse. */
const BIAS_TOLERANCE = 0.01;

const label = (node: GraphNode): string => `node '${node.name}' (${node.op})`;

/** The 8-bit tensor behind a DequantizeLinear. */
export function dequantized(draft: GraphDraft, tensor: string): string | undefined {
  const node = draft.producer(tensor);
  return node?.op === 'DequantizeLinear' ? node.inputs[0] : undefined;
}

/** The QuantizeLinear that alone uses a node's output. */
function quantizing(draft: GraphDraft, node: GraphNode): GraphNode | undefined {
  const consumer = draft.soleConsumer(node.outputs[0]!);
  return consumer?.op === 'QuantizeLinear' ? consumer : undefined;
}

/** Q, DQ, Q, DQ with two quantizations: onnxruntime merges them into one, whose arithmetic is its own. */
function refuseDoublePairs(draft: GraphDraft): void {
  for (const second of draft.nodes) {
    if (second.op !== 'QuantizeLinear') continue;
    const [first, last] = [dequantized(draft, second.inputs[0]!), second.outputs[0]!];
    if (first === undefined || draft.producer(first)?.op !== 'QuantizeLinear') continue;
    if (draft.soleConsumer(last)?.op !== 'DequantizeLinear' || draft.sameQuantization(first, last)) continue;
    throw new UnsupportedModelError(
      `${label(second)}: two QuantizeLinear and DequantizeLinear pairs in a row with different quantizations, which ` +
        'onnxruntime merges; supported: one pair',
    );
  }
}

/** DequantizeLinear, move: the same move of bytes, then DequantizeLinear. */
function propagateDown(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    const x = node.inputs[0] ?? '';
    const source = dequantized(draft, x);
    if (source === undefined || draft.constants.has(source)) continue;
    const consumer = draft.soleConsumer(node.outputs[0]!);
    const joinsConv = node.op === 'Pad' && consumer?.op === 'Conv' && isZeroPad(draft, node);
    if (!PROPAGATES.has(node.op) && !joinsConv) continue;
    const { type, quantization } = draft.quantized(source)!;
    const moved = draft.declare(`${node.outputs[0]}.quantized`, type, quantization);
    draft.replace(node, [
      { ...node, inputs: [source, ...node.inputs.slice(1)], outputs: [moved] },
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

/** Move, QuantizeLinear: QuantizeLinear, then the same move of bytes. Changes no value, for QuantizeLinear is non-decreasing. */
export function propagateUp(draft: GraphDraft, operators: ReadonlySet<string>): void {
  // each replaced node may let the QuantizeLinear before it go on
  const waiting = draft.nodes.filter((node) => node.op === 'QuantizeLinear').reverse();
  for (let quantize = waiting.pop(); quantize; quantize = waiting.pop()) {
    const node = draft.producer(quantize.inputs[0]!);
    if (!node || !operators.has(node.op)) continue;
    const [target] = quantize.outputs as [string];
    const { type, quantization } = draft.quantized(target)!;
    const moving = node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
    const before: GraphNode[] = [];
    const operands = moving.map((input) => {
      const source = dequantized(draft, input);
      if (source !== undefined && draft.sameQuantization(source, target)) return source;
      const bytes = draft.declare(`${input}.quantized`, type, quantization);
      before.push({ name: quantize.name, op: 'QuantizeLinear', inputs: [input], outputs: [bytes], attributes: {} });
      return bytes;
    });
    const rest = node.inputs.slice(moving.length).map((input) => inBytes(draft, node, input, target));
    draft.replace(quantize, [...before, { ...node, inputs: [...operands, ...rest], outputs: [target] }]);
    for (const one of before.reverse()) waiting.push(one);
  }
}

/** A Pad's float value as a byte of the target's quantization; other operands as they are. */
function inBytes(draft: GraphDraft, node: GraphNode, input: string, target: string): string {
  const constant = draft.constants.get(input);
  if (node.op !== 'Pad' || constant?.type !== 'float32') return input;
  const { type, quantization } = draft.quantized(target)!;
  const [min, max] = byteRange(type);
  const q = roundHalfEven(f32(Number(constant.data[0]) / quantization.scale[0]!)) + quantization.zeroPoint[0]!;
  const value = Math.min(Math.max(q, min), max);
  const data = type === 'uint8' ? Uint8Array.of(value) : Int8Array.of(value);
  return draft.addConstant(`${input}.quantized`, { type, shape: [], data });
}

/**
 * An int8 tensor between one QuantizeLinear and one DequantizeLinear with one user becomes uint8: values and zero point
 * go up by 128. A move of bytes counts as a DequantizeLinear before and a QuantizeLinear behind it, which it was.
 */
function signedToUnsigned(draft: GraphDraft): void {
  const isMove = (node: GraphNode | undefined): boolean => node !== undefined && PROPAGATES.has(node.op);
  for (const node of draft.nodes) {
    const [tensor] = node.outputs as [string];
    if ((node.op !== 'QuantizeLinear' && !isMove(node)) || draft.quantized(tensor)?.type !== 'int8') continue;
    const user = draft.soleConsumer(tensor);
    if (user?.op === 'DequantizeLinear') {
      const [real] = user.outputs as [string];
      const isLast = draft.consumers(real).length === 0;
      if (!draft.soleConsumer(real) && !isLast) continue;
    } else if (!isMove(user)) continue;
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

/** rne(f32(b / f32(sx * sw))): a float bias beside an 8-bit input and weight. */
function quantizeBias(draft: GraphDraft, bias: Constant, input: string, weight: string): string {
  const sx = draft.quantized(input)!.quantization.scale[0]!;
  const sw = draft.quantized(weight)!.quantization.scale;
  const data = Int32Array.from(bias.data as Float32Array, (b, i) =>
    roundHalfEven(f32(b / f32(sx * sw[sw.length === 1 ? 0 : i]!))),
  );
  return draft.addConstant(`${bias.name}.quantized`, { type: 'int32', shape: bias.shape, data });
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
  const outputs = node.op === 'Conv' || node.attributes['transB'] === 1 ? 0 : shape.length - 1;
  return (axis < 0 ? axis + shape.length : axis) === outputs;
}

/** The operands of a node as a fused operator has them; undefined where one prevents the fusion. */
function fusedOperands(draft: GraphDraft, node: GraphNode, toFloat: boolean): string[] | undefined {
  const isLinear = ['Conv', 'MatMul', 'Gemm'].includes(node.op);
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
function typesFit(node: GraphNode, types: readonly (string | undefined)[], output: string | undefined): boolean {
  const [input, second] = types;
  switch (node.op) {
    case 'Conv':
    case 'MatMul':
      // int8 kernels are not taken unless the processor is known to be fast with them
      return input === 'uint8' && (output === undefined || output === input);
    case 'Gemm':
      return (output === undefined || output === input) && (input === 'uint8' || second === 'int8');
    default:
      return types.every((type) => type === output);
  }
}

/** DequantizeLinear, operator, QuantizeLinear: the operator on bytes, where onnxruntime has it. */
function fuseOperators(draft: GraphDraft): void {
  for (const node of [...draft.nodes]) {
    if (!FUSES.has(node.op)) continue;
    const quantize = quantizing(draft, node);
    if (!quantize && !FUSES_TO_FLOAT.has(node.op)) continue;
    const target = quantize?.outputs[0] ?? node.outputs[0]!;
    const operands = fusedOperands(draft, node, quantize === undefined);
    if (!operands) continue;
    const types = operands.map((operand) => draft.quantized(operand)?.type);
    const count = ['Conv', 'MatMul', 'Gemm'].includes(node.op) ? 2 : operands.length;
    if (!typesFit(node, types.slice(0, count), quantize ? draft.quantized(target)?.type : undefined)) continue;
    draft.replace(node, [{ ...node, inputs: operands, outputs: [target] }]);
    if (quantize) draft.replace(quantize, []);
  }
}

/** i8 activations with u8 weights have no kernel in onnxruntime. */
function refuseMixedSigns(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    if (!['Conv', 'MatMul', 'Gemm'].includes(node.op)) continue;
    const [input, weight] = node.inputs.map((operand) => draft.quantized(operand)?.type);
    if (input === 'int8' && weight === 'uint8')
      throw new UnsupportedModelError(
        `${label(node)}: int8 activations with uint8 weights, for which onnxruntime has no kernel; ` +
          'supported: uint8 activations, or int8 weights',
      );
  }
}

/** Rewrites a graph's Q/DQ patterns as onnxruntime does; what it leaves in float stays. */
export function fuseOperatorsOf(graph: Graph): GraphDraft {
  const draft = new GraphDraft(graph);
  refuseDoublePairs(draft);
  addBiases(draft);
  propagateUp(draft, PROPAGATES);
  propagateDown(draft);
  draft.sweep();
  dropClamps(draft);
  signedToUnsigned(draft);
  fuseOperators(draft);
  draft.sweep();
  refuseMixedSigns(draft);
  return draft;
}
