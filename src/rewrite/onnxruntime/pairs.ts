import { UnsupportedModelError } from '../../errors.ts';
import type { GraphDraft } from '../../graph/draft.ts';
import { byteRange, type GraphNode, type Quantization, type QuantizedType } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';

/** Operators through which onnxruntime moves a DequantizeLinear down and a QuantizeLinear up. */
export const PROPAGATES = new Set(['MaxPool', 'Transpose', 'Slice', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity']);

export const label = (node: GraphNode): string => `node '${node.name}' (${node.op})`;

/** The 8-bit tensor behind a DequantizeLinear. */
export function dequantized(draft: GraphDraft, tensor: string): string | undefined {
  const node = draft.producer(tensor);
  return node?.op === 'DequantizeLinear' ? node.inputs[0] : undefined;
}

/** The QuantizeLinear that alone uses a node's output. */
export function quantizing(draft: GraphDraft, node: GraphNode): GraphNode | undefined {
  const consumer = draft.soleConsumer(node.outputs[0]!);
  return consumer?.op === 'QuantizeLinear' ? consumer : undefined;
}

/**
 * An Identity is nothing, where somebody uses its output, and the caller of the model does not. One between two
 * quantizations stays, for the same bytes are other numbers behind it.
 */
function dropIdentities(draft: GraphDraft): void {
  for (const { op, outputs } of draft.nodes) {
    const [output] = outputs as [string];
    const node = draft.producer(output)!;
    const [input] = node.inputs as [string];
    if (op !== 'Identity' || draft.isOutput(output) || draft.edges(output) === 0 || draft.constants.has(input))
      continue;
    if (draft.quantized(output) && !draft.sameQuantization(input, output)) continue;
    draft.replace(node, []);
    draft.rewire(output, input);
  }
}

/** JSON has neither -0 nor what is not finite; nodes that differ in these differ. */
const exact = (_: string, value: unknown): unknown =>
  Object.is(value, -0) || (typeof value === 'number' && !Number.isFinite(value))
    ? `number ${Object.is(value, -0) ? '-0' : String(value)}`
    : value;

/** Nodes that compute the same from the same are one; constants of one element are the same where their values are. */
function shareEqualNodes(draft: GraphDraft, own: ReadonlySet<string>): void {
  const first = new Map<string, string>();
  const meaning = (input: string): string => {
    const constant = draft.constants.get(input);
    return constant?.data.length === 1
      ? `${constant.type} [${constant.shape.join()}] ${exact('', constant.data[0])} ${JSON.stringify(constant.quantization)}`
      : input;
  };
  for (const { op, outputs } of draft.nodes) {
    const node = draft.producer(outputs[0]!)!;
    if (op === 'DequantizeLinear' || node.inputs.some((input) => own.has(input))) continue;
    const [output] = node.outputs as [string];
    const quantized = draft.quantized(output);
    const key = JSON.stringify(
      [op, node.inputs.map(meaning), node.attributes, quantized && [quantized.type, quantized.quantization]],
      exact,
    );
    const same = first.get(key);
    if (same === undefined) first.set(key, output);
    else if (!draft.isOutput(output) && !draft.isOutput(same)) {
      draft.replace(node, []);
      draft.rewire(output, same);
    }
  }
}

/** The quantization of what two in a row can say, as onnxruntime merges them; undefined where they are the same. */
function intersection(a: QuantizedType, b: QuantizedType): Quantization {
  const [min, max] = byteRange(a.type);
  const bounds = [a, b].map(({ quantization: { scale, zeroPoint } }) =>
    [min, max].map((q) => f32((q - zeroPoint[0]!) * scale[0]!)),
  ) as [[number, number], [number, number]];
  const low = Math.max(bounds[0][0], bounds[1][0]);
  const high = Math.min(bounds[0][1], bounds[1][1]);
  const scale = f32(f32(high - low) / (max - min));
  if (scale === 0)
    throw new UnsupportedModelError(
      `tensors '${a.name}' and '${b.name}', one requantized to the other, have no value but 0 in common; ` +
        'supported: quantizations whose ranges overlap',
    );
  const zero = f32(min - f32(low / scale));
  // std::round: away from zero
  const rounded = Math.sign(zero) * Math.floor(Math.abs(zero) + 0.5);
  return { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(rounded) };
}

/** The DequantizeLinear, QuantizeLinear behind a QuantizeLinear, and before others, none of which anybody else uses. */
function doublePair(draft: GraphDraft, first: GraphNode) {
  if (first.op !== 'QuantizeLinear') return undefined;
  const dequantize = draft.soleConsumer(first.outputs[0]!);
  const second = dequantize?.op === 'DequantizeLinear' ? quantizing(draft, dequantize) : undefined;
  if (!dequantize || !second || !isDequantized(draft, second)) return undefined;
  const [a, b] = [draft.quantized(first.outputs[0]!)!, draft.quantized(second.outputs[0]!)!];
  return a.type === b.type ? { dequantize, second, a, b } : undefined;
}

/** Are DequantizeLinears, one or more, all that use what a QuantizeLinear gives? */
function isDequantized(draft: GraphDraft, { outputs }: GraphNode): boolean {
  const users = draft.consumers(outputs[0]!);
  return !draft.isOutput(outputs[0]!) && users.length > 0 && users.every(({ op }) => op === 'DequantizeLinear');
}

/** Refuses what has used the pair already: a float bias, quantized for its operator's first input scale, or a move. */
function expectIndifferent(draft: GraphDraft, pair: GraphNode): void {
  const users = draft.consumers(pair.outputs[0]!).flatMap(({ outputs }) => draft.consumers(outputs[0]!));
  for (const user of users)
    if (
      user.op === 'MatMul' ||
      PROPAGATES.has(user.op) ||
      draft.constants.get(user.inputs[2] ?? '')?.type === 'float32'
    )
      throw new UnsupportedModelError(
        `${label(user)}: its input is quantized otherwise once onnxruntime has looked at it; ` +
          'supported: Transposes and pairs that do not go away before it',
      );
}

/**
 * Of moves, a node and a Q: puts a pair like the Q's before the moves, as onnxruntime does before it looks at the node.
 *
 * @param node the QuantizeLinear itself, or the Transpose before it
 */
function pairBeforeMoves(draft: GraphDraft, node: GraphNode, quantize: GraphNode): void {
  let move: GraphNode | undefined;
  let before = draft.producer(node.inputs[0]!);
  while (before && PROPAGATES.has(before.op) && draft.soleConsumer(before.outputs[0]!)) {
    move = before;
    before = draft.producer(move.inputs[0]!);
  }
  if (!move || !before || before.op === 'DequantizeLinear' || draft.edges(move.inputs[0]!) !== 1) return;
  const [real, ...rest] = move.inputs as [string, ...string[]];
  const { type, quantization } = draft.quantized(quantize.outputs[0]!)!;
  const bytes = draft.declare(`${real}.paired`, type, quantization);
  const again = draft.declareReal(`${bytes}.real`);
  draft.replace(move, [
    { name: quantize.name, op: 'QuantizeLinear', inputs: [real], outputs: [bytes], attributes: {} },
    { name: quantize.name, op: 'DequantizeLinear', inputs: [bytes], outputs: [again], attributes: {} },
    { ...move, inputs: [again, ...rest] },
  ]);
}

/** Q, DQ, Q, DQ: onnxruntime makes one pair of them, of the range that both can say; of four pairs two, then one. */
function mergeDoublePairs(draft: GraphDraft, step: number): void {
  for (const quantize of draft.nodes) {
    const pair = draft.has(quantize) ? doublePair(draft, quantize) : undefined;
    if (!pair) continue;
    const { dequantize, second, a, b } = pair;
    const [last] = second.outputs as [string];
    const isSame = draft.sameQuantization(a.name, b.name);
    if (step > 0 && !isSame) {
      expectIndifferent(draft, second);
      pairBeforeMoves(draft, quantize, quantize);
    }
    const quantization = isSame ? b.quantization : intersection(a, b);
    draft.tensors.set(last, { name: last, type: b.type, quantization });
    draft.replace(quantize, [{ ...quantize, outputs: [last] }]);
    draft.replace(dequantize, []);
    draft.replace(second, []);
  }
}

/** DequantizeLinear, QuantizeLinear of the same quantization before one node, or the caller: both are dropped. */
function dropEmptyPairs(draft: GraphDraft): void {
  for (const quantize of draft.nodes) {
    const source =
      quantize.op === 'QuantizeLinear' && draft.has(quantize) ? dequantized(draft, quantize.inputs[0]!) : undefined;
    const [target] = quantize.outputs as [string];
    if (source === undefined || draft.constants.has(source) || !draft.sameQuantization(source, target)) continue;
    const dequantize = draft.producer(quantize.inputs[0]!)!;
    const users = draft.consumers(target).length;
    if (users === 1 && !draft.isOutput(target)) {
      draft.replace(quantize, []);
      draft.rewire(target, source);
      if (draft.edges(dequantize.outputs[0]!) === 0 && !draft.isOutput(dequantize.outputs[0]!))
        draft.replace(dequantize, []);
    } else if (users === 0 && draft.soleConsumer(source) && draft.soleConsumer(dequantize.outputs[0]!)) {
      const producer = draft.producer(source);
      if (!producer || !draft.isOutput(target)) continue;
      draft.replace(quantize, []);
      draft.replace(dequantize, []);
      draft.replace(producer, [
        { ...producer, outputs: producer.outputs.map((output) => (output === source ? target : output)) },
      ]);
    }
  }
}

const permutation = ({ attributes }: GraphNode): readonly number[] | undefined =>
  attributes['perm'] as readonly number[] | undefined;

/** Does a second Transpose undo a first? */
function cancels(first: GraphNode, second: GraphNode): boolean {
  const [a, b] = [permutation(first), permutation(second)];
  return a !== undefined && b !== undefined && b.every((axis, i) => a[axis] === i);
}

/** Two Transposes in a row are one, or nothing. */
function joinTransposes(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    const second = draft.producer(node.outputs[0]!);
    if (second?.op !== 'Transpose') continue;
    const first = draft.producer(second.inputs[0]!);
    const [output] = second.outputs as [string];
    if (first?.op !== 'Transpose') continue;
    const [a, b] = [permutation(first), permutation(second)];
    if (!a || !b) continue;
    const [x] = first.inputs as [string];
    if (!cancels(first, second))
      draft.replace(second, [
        { ...second, inputs: [x], attributes: { ...second.attributes, perm: b.map((axis) => a[axis]!) } },
      ]);
    else if (draft.isOutput(output)) continue;
    else {
      draft.replace(second, []);
      draft.rewire(output, x);
    }
    if (draft.edges(first.outputs[0]!) === 0 && !draft.isOutput(first.outputs[0]!)) draft.replace(first, []);
  }
}

/** Transpose, Q, DQ, Transpose that undoes the first, Q: both are dropped; so they are with more pairs between them. */
function dropCancelledTransposes(draft: GraphDraft): void {
  for (const second of draft.nodes) {
    if (second.op !== 'Transpose' || !draft.has(second) || !quantizing(draft, second)) continue;
    let node: GraphNode | undefined = second;
    let first: GraphNode | undefined;
    do {
      const [x] = node.inputs as [string];
      first = draft.soleConsumer(x) === node ? draft.producer(x) : undefined;
      node = first;
    } while (node && (node.op === 'QuantizeLinear' || node.op === 'DequantizeLinear'));
    if (first?.op !== 'Transpose' || !cancels(first, second)) continue;
    pairBeforeMoves(draft, first, quantizing(draft, first)!);
    for (const transpose of [second, first]) {
      draft.replace(transpose, []);
      draft.rewire(transpose.outputs[0]!, transpose.inputs[0]!);
    }
  }
}

/** Q, DQ, Transpose, Q, DQ, Transpose: onnxruntime moves the first to the second, then merges the pairs before them. */
function mergeTransposedPairs(draft: GraphDraft): void {
  for (const transpose of draft.nodes) {
    if (transpose.op !== 'Transpose' || !draft.has(transpose)) continue;
    const second = quantizing(draft, transpose);
    const [real, moved] = [transpose.inputs[0]!, transpose.outputs[0]!];
    const source = dequantized(draft, real);
    if (!second || source === undefined || draft.soleConsumer(real) !== transpose) continue;
    const [last] = second.outputs as [string];
    const dequantize = draft.soleConsumer(last);
    if (dequantize?.op !== 'DequantizeLinear' || draft.sameQuantization(source, last)) continue;
    const again = draft.soleConsumer(dequantize.outputs[0]!);
    if (again?.op !== 'Transpose') continue;
    const target = quantizing(draft, again);
    if (cancels(transpose, again) && target && draft.sameQuantization(last, target.outputs[0]!)) {
      // what is between them is empty then, and goes before the pairs are looked at
      const [to] = target.outputs as [string];
      if (draft.isOutput(to) ? draft.edges(to) === 0 : draft.consumers(to).length === 1) {
        draft.replace(transpose, []);
        draft.replace(second, []);
        draft.replace(dequantize, []);
        draft.replace(again, []);
        draft.replace(target, [{ ...target, inputs: [real] }]);
        continue;
      }
    }
    // the same with the first Transpose behind the pairs
    draft.replace(transpose, []);
    draft.replace(second, [{ ...second, inputs: [real] }]);
    const behind = draft.declareReal(`${moved}.behind`);
    const [unmoved] = dequantize.outputs as [string];
    const before: GraphNode[] = [];
    let from = unmoved;
    if (!target) {
      // the DequantizeLinear that was moved down behind the second Transpose leaves its QuantizeLinear
      const { type, quantization } = draft.quantized(last)!;
      const kept = draft.declare(`${last}.kept`, type, quantization);
      from = draft.declareReal(`${kept}.real`);
      before.push(
        { name: second.name, op: 'QuantizeLinear', inputs: [unmoved], outputs: [kept], attributes: {} },
        { name: second.name, op: 'DequantizeLinear', inputs: [kept], outputs: [from], attributes: {} },
      );
    }
    draft.replace(again, [
      ...before,
      { ...transpose, inputs: [from], outputs: [behind] },
      { ...again, inputs: [behind] },
    ]);
    const first = draft.producer(source);
    const pair = first && doublePair(draft, first);
    if (!pair) continue;
    const { a, b } = pair;
    pairBeforeMoves(draft, first, first);
    draft.tensors.set(a.name, { name: a.name, type: a.type, quantization: intersection(a, b) });
    draft.replace(draft.producer(last)!, []);
    draft.replace(dequantize, []);
    draft.rewire(unmoved, real);
  }
}

/** What onnxruntime can move a Transpose through before it looks for double pairs again. */
export const PASSES: ReadonlySet<string> = new Set([
  ...['QuantizeLinear', 'DequantizeLinear', 'Relu', 'LeakyRelu', 'Clip', 'Sigmoid', 'HardSigmoid', 'HardSwish'],
  ...['Add', 'Sub', 'Mul', 'Div', 'Concat', 'Split', 'Pad', 'Slice', 'Squeeze', 'Unsqueeze', 'ReduceMean', 'Identity'],
  ...['Resize', 'PRelu'],
]);

/** Another Transpose to which onnxruntime may move one, or which it may move to it. */
function movableTo(draft: GraphDraft, transpose: GraphNode): GraphNode | undefined {
  const down = ({ outputs }: GraphNode): GraphNode[] => outputs.flatMap((output) => draft.consumers(output));
  const up = ({ inputs }: GraphNode): GraphNode[] => inputs.flatMap((input) => draft.producer(input) ?? []);
  for (const next of [down, up]) {
    const nodes = new Set(next(transpose));
    for (const node of nodes) {
      if (node.op === 'Transpose') return node;
      if (PASSES.has(node.op)) for (const further of next(node)) nodes.add(further);
    }
  }
  return undefined;
}

/** Would a Transpose that goes away leave a double pair of two quantizations behind? */
function separatesPairs(draft: GraphDraft, transpose: GraphNode): boolean {
  // before and behind a move, onnxruntime puts pairs of its own
  let first = draft.producer(transpose.inputs[0]!);
  let movesBefore = false;
  for (; first && PROPAGATES.has(first.op); movesBefore = true) first = draft.producer(first.inputs[0]!);
  let second = draft.soleConsumer(transpose.outputs[0]!);
  let movesBehind = false;
  for (; second && PROPAGATES.has(second.op); movesBehind = true) second = draft.soleConsumer(second.outputs[0]!);
  if (first?.op !== 'DequantizeLinear' || second?.op !== 'QuantizeLinear') return false;
  const [a, b] = [draft.quantized(first.inputs[0]!), draft.quantized(second.outputs[0]!)];
  if (!a || !b || a.type !== b.type || draft.sameQuantization(a.name, b.name)) return false;
  const isPair =
    movesBefore ||
    (draft.producer(a.name)?.op === 'QuantizeLinear' &&
      draft.soleConsumer(a.name) === first &&
      draft.soleConsumer(first.outputs[0]!) !== undefined);
  return isPair && (movesBehind || isDequantized(draft, second));
}

/** Where onnxruntime moves a Transpose depends on what it costs; that is not known here. */
function refuseMovableTransposes(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    if (node.op !== 'Transpose' || !separatesPairs(draft, node)) continue;
    const other = movableTo(draft, node);
    if (other)
      throw new UnsupportedModelError(
        `${label(node)}: between two quantizations, with ${label(other)} from or to which onnxruntime may move it; ` +
          'supported: one Transpose, or two with only QuantizeLinear and DequantizeLinear between them',
      );
  }
}

/**
 * Where onnxruntime moves a Transpose down to the one that a float output of the graph is behind, what both QuantizeLinear
 * and Transpose use becomes 8 bits, and the output with it.
 */
function refuseTransposedOutputs(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    if (node.op !== 'Transpose' || !draft.isOutput(node.outputs[0]!)) continue;
    const [x] = node.inputs as [string];
    const producer = draft.producer(x);
    if (!producer || producer.op === 'DequantizeLinear' || draft.quantized(x)) continue;
    const quantize = draft.consumers(x).find(({ op }) => op === 'QuantizeLinear');
    if (quantize)
      throw new UnsupportedModelError(
        `${label(node)}: a float32 output of '${x}', which ${label(quantize)} uses, too: onnxruntime may quantize both; ` +
          'supported: one of them',
      );
  }
}

/** A Pad right before a MaxPool becomes the MaxPool's padding, whose value is nothing: what it is to be is checked later. */
function markJoinedPads(draft: GraphDraft): void {
  for (const node of draft.nodes) {
    const isConstant = (node.attributes['mode'] ?? 'constant') === 'constant';
    if (node.op === 'Pad' && isConstant && draft.consumers(node.outputs[0]!).some(({ op }) => op === 'MaxPool'))
      draft.replace(node, [{ ...node, attributes: { ...node.attributes, joined: 1 } }]);
  }
}

/** As often as onnxruntime repeats what it does first. */
const STEPS = 10;

/** What onnxruntime does before it fuses: nodes that are nothing or the same go away, and pairs of pairs become one. */
export function simplify(draft: GraphDraft): void {
  for (let step = 0; step < STEPS; step++) {
    const before = draft.nodes;
    // a DequantizeLinear of several uses is one for each, and none is the same as another
    const own = new Set(
      before
        .filter(({ op, outputs }) => op === 'DequantizeLinear' && draft.edges(outputs[0]!) > 1)
        .map(({ outputs }) => outputs[0]!),
    );
    dropIdentities(draft);
    mergeDoublePairs(draft, step);
    shareEqualNodes(draft, own);
    joinTransposes(draft);
    dropCancelledTransposes(draft);
    mergeTransposedPairs(draft);
    dropEmptyPairs(draft);
    const after = draft.nodes;
    if (after.length === before.length && after.every((node, i) => node === before[i])) break;
  }
  refuseMovableTransposes(draft);
  refuseTransposedOutputs(draft);
  markJoinedPads(draft);
}
