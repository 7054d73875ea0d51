import type { RequantizeForm } from '../requantize/form.ts';
import { FORMS } from '../requantize/prove.ts';
import type { OutputStage } from './requantization.ts';
import type { Step } from './step.ts';

/** WebGPU's default limit of storage buffers a shader stage; every device allows it. */
export const MOST_STORAGE_BUFFERS = 8;

/** Operands, output and what the modules in its slots read. */
export function storageBuffers({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): number {
  return operands.length + 1 + parameters.length;
}

type Buffer = RequantizeForm['buffers'][number];

/** The buffers of a stage's form, by the names its shader gives them. */
function formBuffers({ proof, parameters }: OutputStage): [Buffer, Int32Array][] {
  const names = FORMS.find(({ name }) => name === proof.form)!.buffers;
  return names.map((name, i) => [name, parameters[i]!]);
}

/** int32 words of one element of a buffer, as shaders declare it, and the override that says where a form's own begin. */
const WORDS: Readonly<Record<Buffer, number>> = { parameters: 4, boundaries: 1 };
const FIRST: Readonly<Record<Buffer, string>> = { parameters: 'FIRST_PARAMETER', boundaries: 'FIRST_BOUNDARY' };

/**
 * The requantizations of several layers for one pipeline: the last one's under its own name, each inner one's as
 * `requantize_<stage>` in a slot of the stage's name. Forms share their buffers, one stage's part behind the other's; see
 * linkShader.
 */
export function joinStages(
  last: OutputStage,
  inner: Readonly<Record<string, OutputStage>>,
): Pick<Step, 'slots' | 'overrides' | 'counts'> & Pick<OutputStage, 'parameters'> {
  const buffers = new Map<Buffer, number[][]>();
  const slots: Record<string, string> = { output: 'output/codes' };
  const overrides: Record<string, number> = { ...last.overrides };
  const counts: Record<string, number> = {};
  for (const [stage, one] of [['', last] as const, ...Object.entries(inner)]) {
    const ending = stage === '' ? '' : `_${stage}`;
    slots[stage || 'form'] = `requantize/${one.proof.form}`;
    for (const [name, count] of Object.entries(one.counts)) counts[name + ending] = count;
    for (const [name, data] of formBuffers(one)) {
      const parts = buffers.get(name) ?? [];
      buffers.set(name, parts);
      if (stage !== '')
        overrides[FIRST[name] + ending] = parts.reduce((sum, { length }) => sum + length, 0) / WORDS[name];
      parts.push(Array.from(data));
    }
  }
  return { slots, parameters: [...buffers.values()].map((parts) => Int32Array.from(parts.flat())), overrides, counts };
}
