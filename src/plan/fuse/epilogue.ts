import type { Step, StepOperand } from '../../ops/step.ts';
import type { Fused } from './fused.ts';
import { MOST_STORAGE_BUFFERS, storageBuffers } from './stages.ts';
import type { Uses } from './uses.ts';

const CODES = 'output/codes';
const FLOATS = 'output/floats';

const endsIn = ({ slots }: Step, output: string): boolean => slots['output'] === output;

/** What a fused step has of its last part: everything outside reads what that one wrote. */
function joined(step: Step, last: Step, changes: Pick<Step, 'slots' | 'parameters' | 'overrides'>): Step {
  return {
    ...step,
    ...changes,
    node: last.node,
    op: last.op,
    output: last.output,
    macs: step.macs + last.macs,
    accumulates: false,
    parts: [...(step.parts ?? [step]), last],
  };
}

/** step, then an 8-bit add of another tensor. */
function withAdd(step: Step, add: Step, uses: Uses): Step | undefined {
  if (!endsIn(step, CODES) || add.kernel !== 'add') return undefined;
  const [a, b] = add.operands as [{ tensor: string }, { tensor: string }];
  if (uses.same(a.tensor, b.tensor)) return undefined;
  const otherFirst = uses.same(b.tensor, step.output);
  return joined(step, add, {
    slots: { ...step.slots, ...add.slots, output: 'output/sums' },
    parameters: [{ tensor: otherFirst ? a.tensor : b.tensor }, ...step.parameters, ...add.parameters],
    overrides: {
      ...step.overrides,
      OUTPUT_SIGN: add.overrides['OUTPUT_SIGN']!,
      OTHER_SIGN: add.geometry[otherFirst ? 'a_sign' : 'b_sign']!,
      OTHER_FIRST: Number(otherFirst),
    },
  });
}

/** step, then its bytes as float32. */
function withDequantize(step: Step, dequantize: Step): Step | undefined {
  if (!endsIn(step, CODES) || dequantize.kernel !== 'dequantize_linear') return undefined;
  const { OUTPUT_SIGN: _, ...overrides } = step.overrides;
  return joined(step, dequantize, {
    slots: { ...step.slots, output: FLOATS },
    parameters: [valuesOf(dequantize), ...step.parameters],
    overrides,
  });
}

const valuesOf = (dequantize: Step): Uint32Array => (dequantize.operands[1] as { data: Uint32Array }).data;

const isOwn = (operand: StepOperand, step: Step, uses: Uses): boolean =>
  'tensor' in operand && uses.same(operand.tensor, step.output);

/** The step that dequantizes the other operand of a float32 add, for that add alone. */
function otherDequantize(step: Step, add: Step, uses: Uses): Step | undefined {
  if (add.kernel !== 'add_float32') return undefined;
  const other = add.operands.find((operand) => !isOwn(operand, step, uses));
  const producer = other && 'tensor' in other ? uses.privateProducer(other.tensor, add) : undefined;
  return producer?.kernel === 'dequantize_linear' ? producer : undefined;
}

/** A step that ends in float32, then a float32 add; its other operand dequantized as it is read, where `dequantize` is. */
function withFloatAdd(step: Step, add: Step, dequantize: Step | undefined, uses: Uses): Step | undefined {
  if (!endsIn(step, FLOATS) || add.kernel !== 'add_float32') return undefined;
  const other = add.operands.find((operand) => !isOwn(operand, step, uses));
  if (!other) return undefined;
  const [values, ...parameters] = step.parameters;
  const source = dequantize ? dequantize.operands[0]! : other;
  const perChannel = add.geometry['groups'] !== add.geometry['other_groups'];
  const fused = joined(step, add, {
    slots: { ...step.slots, output: 'output/float_sums' },
    parameters: [
      values!,
      'tensor' in source ? source : source.data,
      // a buffer in any case: the shader names it
      dequantize ? valuesOf(dequantize) : new Uint32Array(4),
      ...parameters,
    ],
    overrides: {
      ...step.overrides,
      OTHER_BYTES: Number(dequantize !== undefined),
      OTHER_SIGN: dequantize?.geometry['input_sign'] ?? 0,
      OTHER_GROUPS: perChannel ? add.geometry['other_groups']! : 0,
    },
  });
  return dequantize ? { ...fused, parts: [dequantize, ...fused.parts!] } : fused;
}

/** `step` and the step that alone reads its result, as one; undefined where there is no such pair. */
export function fuseEpilogue(step: Step, uses: Uses): Fused | undefined {
  const reader = uses.onlyReader(step);
  if (!reader) return undefined;
  const dequantize = otherDequantize(step, reader, uses);
  const fused =
    withAdd(step, reader, uses) ?? withDequantize(step, reader) ?? withFloatAdd(step, reader, dequantize, uses);
  if (!fused || storageBuffers(fused) > MOST_STORAGE_BUFFERS) return undefined;
  const used = dequantize && fused.parts!.includes(dequantize);
  return { step: fused, replaces: [step, reader, ...(used ? [dequantize] : [])] };
}
