import type Fraction from 'fraction.js';
import { byteRange } from '../../../src/graph/graph.ts';
import { tailOf } from '../../../src/layers/tail.ts';
import type { Definition } from '../../../src/layers/definition.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { AddLayer, Engine, TensorQuantization } from '../../../src/engines/engine.ts';
import type { Operand } from './analysis.ts';
import { exactly, exactOf, float32 } from './exact.ts';
import { underEveryEngine, type Details, type Question } from './question.ts';
import { requantizedExactly } from './requantized.ts';

/** Where an element lies in a tensor of the output's shape, NCHW. */
function flat({ extent, at }: Question): number {
  return ((at.n * extent.channels + at.c) * extent.height + at.y) * extent.width + at.x;
}

interface Read {
  readonly operand: Operand;
  /** What it stands for; undefined for infinities. */
  readonly real: Fraction | undefined;
}

function read(question: Question, index: number, at = flat(question), quantization?: TensorQuantization): Read {
  const { values, reference } = question.operand(index);
  const [value, other] = [Number(values[at]), reference && Number(reference[at])];
  const real = quantization
    ? exactly(quantization.scale).mul(value - quantization.zeroPoint)
    : Number.isFinite(value)
      ? exactly(value)
      : undefined;
  const operand: Operand = {
    tensor: question.node.inputs[index]!,
    value,
    ...(other === undefined || Object.is(other, value) ? {} : { referenceValue: other }),
    ...(quantization && { scale: float32(quantization.scale), zeroPoint: quantization.zeroPoint }),
    ...(real && { real: exactOf(real) }),
  };
  return { operand, real };
}

/** The details of an operator of one or two values, whose result under an engine is `run`. */
function elementwise(
  question: Question,
  reads: readonly Read[],
  run: (engine: Engine) => (...values: number[]) => number,
  rest: Pick<Details, 'output' | 'requantized'> = { output: { type: 'float32' }, requantized: [] },
): Details {
  const operands = reads.map(({ operand }) => operand);
  const values = operands.map(({ value }) => value);
  const f = run(question.context.engine);
  const differing = operands.filter(({ referenceValue }) => referenceValue !== undefined).length;
  const references = operands.map(({ value, referenceValue = value }) => referenceValue);
  return {
    computed: f(...values),
    operands,
    engines: underEveryEngine(question, (engine) => ({ value: run(engine)(...values) })),
    ...rest,
    ...(differing > 0 && { fromReferenceOperands: { differing, value: f(...references) } }),
  };
}

function byteOutput(
  question: Question,
  { output, relu = false, clamp: given }: Pick<AddLayer, 'output' | 'clamp'> & { relu?: boolean },
  exact: Fraction | undefined,
) {
  const [min, max] = byteRange(output.type);
  const { zeroPoint } = output;
  const clamp = given ?? ([relu ? Math.max(min, zeroPoint) : min, max] as const);
  return {
    output: { type: output.type, zeroPoint, clamp },
    requantized: exact ? [requantizedExactly({ zeroPoint, clamp, gives: question.gives }, exact)] : [],
  };
}

/** An element of an add of two 8-bit tensors. */
export function addElement({ layer }: Definition<'add'>, question: Question): Details {
  const { a, b, output } = layer;
  const reads = [read(question, 0, undefined, a), read(question, 1, undefined, b)];
  const exact = reads[0]!.real!.add(reads[1]!.real!).div(exactly(output.scale));
  const run = (engine: Engine) => {
    const functions = engine.add(layer);
    return functions.tail && tailOf(functions, question.info)(flat(question)) ? functions.tail : functions.body;
  };
  return elementwise(question, reads, run, byteOutput(question, layer, exact));
}

/** An element of an add of two float32 tensors. */
export function addFloatElement({ other, perChannel }: Definition<'add_float32'>, question: Question): Details {
  const isShared = (i: number): boolean => perChannel && question.node.inputs[i] === other;
  const reads = [0, 1].map((i) => read(question, i, isShared(i) ? question.at.c : undefined));
  return elementwise(question, reads, () => (a, b) => f32(a! + b!));
}

/** The engine's own functions, or those that it has for elements at the end of a memory block. */
function atElement(question: Question, engine: Engine): Pick<Engine, 'quantize' | 'dequantize'> {
  const { tails } = engine;
  return tails && tailOf(tails, question.info)(flat(question)) ? tails : engine;
}

/** An element of a QuantizeLinear. */
export function quantizeElement({ output }: Definition<'quantize'>, question: Question): Details {
  const source = read(question, 0);
  const exact = source.real?.div(exactly(output.scale));
  return elementwise(
    question,
    [source],
    (engine) => atElement(question, engine).quantize(output) as (...values: number[]) => number,
    byteOutput(question, { output }, exact),
  );
}

/** An element of a DequantizeLinear: one value, in float32. */
export function dequantizeElement({ input }: Definition<'dequantize'>, question: Question): Details {
  return elementwise(
    question,
    [read(question, 0, undefined, input)],
    (engine) => atElement(question, engine).dequantize(input) as (...values: number[]) => number,
  );
}
