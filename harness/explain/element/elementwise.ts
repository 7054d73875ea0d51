import type Fraction from 'fraction.js';
import { byteRange, elementCount } from '../../../src/graph/graph.ts';
import { floatOperands, layerOf } from '../../../src/layers/add.ts';
import { tensorQuantization } from '../../../src/layers/operator.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { Engine, TensorQuantization } from '../../../src/engines/engine.ts';
import type { Operand } from './analysis.ts';
import { exactly, exactOf, float32 } from './exact.ts';
import { underEveryEngine, type Details, type Question } from './question.ts';
import { requantizedExactly } from './requantized.ts';

/** Where an element lies in a tensor of the output's shape, or in one of a value a channel. */
function flat({ extent, at }: Question): number {
  return ((at.n * extent.channels + at.c) * extent.height + at.y) * extent.width + at.x;
}

/** In memory order (NHWC), which is what engines with a second formula at the end of a block go by. */
function memoryIndex({ extent, at }: Question): number {
  return ((at.n * extent.height + at.y) * extent.width + at.x) * extent.channels + at.c;
}

const realOf = (value: number, quantization?: TensorQuantization): Fraction | undefined => {
  if (!quantization) return Number.isFinite(value) ? exactly(value) : undefined;
  return exactly(quantization.scale).mul(value - quantization.zeroPoint);
};

interface Read {
  readonly operand: Operand;
  readonly real: Fraction | undefined;
}

function read(question: Question, index: number, at: number, quantization?: TensorQuantization): Read {
  const { values, reference } = question.operand(index);
  const [value, other] = [Number(values[at]), reference && Number(reference[at])];
  const real = realOf(value, quantization);
  const operand: Operand = {
    tensor: question.node.inputs[index]!,
    value,
    ...(other === undefined || Object.is(other, value) ? {} : { referenceValue: other }),
    ...(quantization ? { scale: float32(quantization.scale), zeroPoint: quantization.zeroPoint } : {}),
    ...(real ? { real: exactOf(real) } : {}),
  };
  return { operand, real };
}

/** The details of an operator of one or two values, whose result under an engine is `run`. */
function elementwise(
  question: Question,
  reads: readonly Read[],
  run: (engine: Engine) => (values: readonly number[]) => number,
  rest: Pick<Details, 'output' | 'requantized'>,
): Details {
  const operands = reads.map(({ operand }) => operand);
  const values = operands.map(({ value }) => value);
  const f = run(question.context.engine);
  const differing = operands.filter(({ referenceValue }) => referenceValue !== undefined).length;
  return {
    computed: f(values),
    operands,
    engines: underEveryEngine(question, (engine) => ({ value: run(engine)(values) })),
    ...rest,
    ...(differing === 0
      ? {}
      : {
          fromReferenceOperands: {
            differing,
            value: f(operands.map(({ value, referenceValue = value }) => referenceValue)),
          },
        }),
  };
}

function byteOutput(question: Question, output: TensorQuantization, relu: boolean, exact: Fraction | undefined) {
  const [min, max] = byteRange(output.type);
  const { zeroPoint } = output;
  const clamp = [relu ? Math.max(min, zeroPoint) : min, max] as const;
  return {
    output: { type: output.type, zeroPoint, clamp },
    requantized: exact ? [requantizedExactly({ zeroPoint, clamp, gives: question.gives }, exact)] : [],
  };
}

/** An element of an add of two 8-bit tensors, or of two float32 tensors. */
export function addElement(question: Question): Details {
  const { node, context, info } = question;
  if (info.type === 'float32') return addFloatElement(question);
  const layer = layerOf(node, context);
  const at = flat(question);
  const reads = [read(question, 0, at, layer.a), read(question, 1, at, layer.b)];
  const exact = reads[0]!.real!.add(reads[1]!.real!).div(exactly(layer.output.scale));
  const [index, elements] = [memoryIndex(question), elementCount(info.shape)];
  return elementwise(
    question,
    reads,
    (engine) => {
      const { body, tail, isTail } = engine.add(layer);
      const f = tail && isTail?.(index, elements) ? tail : body;
      return ([a, b]) => f(a!, b!);
    },
    byteOutput(question, layer.output, layer.relu, exact),
  );
}

function addFloatElement(question: Question): Details {
  const { node, context, at } = question;
  const { other, perChannel } = floatOperands(node, context);
  const reads = node.inputs
    .slice(0, 2)
    .map((name, i) => read(question, i, perChannel && name === other ? at.c : flat(question)));
  return elementwise(
    question,
    reads,
    () =>
      ([a, b]) =>
        f32(a! + b!),
    {
      output: { type: 'float32' },
      requantized: [],
    },
  );
}

/** An element of a QuantizeLinear. */
export function quantizeElement(question: Question): Details {
  const { node, info } = question;
  const output = tensorQuantization(node, info);
  const source = read(question, 0, flat(question));
  return elementwise(
    question,
    [source],
    (engine) => {
      const f = engine.quantize(output);
      return ([x]) => f(x!);
    },
    byteOutput(question, output, false, source.real?.div(exactly(output.scale))),
  );
}

/** An element of a DequantizeLinear: one value, in float32. */
export function dequantizeElement(question: Question): Details {
  const { node, context } = question;
  const input = tensorQuantization(node, context.info(node.inputs[0]!));
  return elementwise(
    question,
    [read(question, 0, flat(question), input)],
    (engine) => {
      const f = engine.dequantize(input);
      return ([q]) => f(q!);
    },
    { output: { type: 'float32' }, requantized: [] },
  );
}
