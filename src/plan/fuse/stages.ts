import type { Step } from '../../ops/step.ts';
import type { RequantizeForm } from '../../requantize/form.ts';
import { FORMS } from '../../requantize/prove.ts';

/** WebGPU's default limit of storage buffers a shader stage; every device allows it. */
export const MOST_STORAGE_BUFFERS = 8;

/** Operands, output and what the linked modules read. */
export function storageBuffers({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): number {
  return operands.length + 1 + parameters.length;
}

/** The buffers of a step's form, by the names its shader gives them. */
function formBuffers({ proof, parameters }: Step): [Buffer, Int32Array][] {
  if (!proof) return [];
  const names = FORMS.find(({ name }) => name === proof.form)!.buffers;
  return names.map((name, i) => [name, parameters[i] as Int32Array]);
}

type Buffer = RequantizeForm['buffers'][number];

/** int32 words of one element of a buffer, as shaders declare it, and the override that says where a form's own begin. */
const WORDS: Readonly<Record<Buffer, number>> = { parameters: 4, boundaries: 1 };
const FIRST: Readonly<Record<Buffer, string>> = { parameters: 'FIRST_PARAMETER', boundaries: 'FIRST_BOUNDARY' };

/**
 * The requantizations of several steps for one pipeline: the last step's under its own name, each inner one's as
 * `requantize_<stage>` in a slot of the stage's name. Forms share their buffers, one stage's part behind the other's; see linkShader.
 */
export function joinStages(
  last: Step,
  inner: Readonly<Record<string, Step>>,
): Pick<Step, 'slots' | 'parameters' | 'overrides' | 'counts'> {
  const buffers = new Map<Buffer, number[][]>();
  const slots: Record<string, string> = { output: 'output/codes' };
  const overrides: Record<string, number> = { OUTPUT_SIGN: last.overrides['OUTPUT_SIGN']! };
  const counts: Record<string, number> = {};
  for (const [stage, step] of [['', last] as const, ...Object.entries(inner)]) {
    const ending = stage === '' ? '' : `_${stage}`;
    slots[stage || 'form'] = `requantize/${step.proof!.form}`;
    for (const [name, count] of Object.entries(step.counts)) counts[name + ending] = count;
    for (const [name, data] of formBuffers(step)) {
      const parts = buffers.get(name) ?? [];
      buffers.set(name, parts);
      if (stage !== '')
        overrides[FIRST[name] + ending] = parts.reduce((sum, { length }) => sum + length, 0) / WORDS[name];
      parts.push(Array.from(data));
    }
  }
  return { slots, parameters: [...buffers.values()].map((parts) => Int32Array.from(parts.flat())), overrides, counts };
}
