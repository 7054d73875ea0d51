import { FORMS } from '../requantize/prove.ts';
import type { OutputStage } from './requantization.ts';
import type { Step } from './step.ts';

/** WebGPU's default limit of storage buffers a shader stage; every device allows it. */
export const MOST_STORAGE_BUFFERS = 8;

/** Operands, output and what the linked modules read. */
export function storageBuffers({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): number {
  return operands.length + 1 + parameters.length;
}

/** The buffers of a stage's form, by the names its shader gives them. */
function formBuffers({ proof, parameters }: OutputStage): [string, Int32Array][] {
  const names = FORMS.find(({ name }) => name === proof.form)!.buffers;
  return names.map((name, i) => [name, parameters[i]!]);
}

/** int32 words of one element of a buffer, as shaders declare it. */
const WORDS: Readonly<Record<string, number>> = { parameters: 4, boundaries: 1 };

/**
 * The requantizations of several layers for one pipeline: the last one's under its own name, each inner one's as
 * `requantize_<stage>`. Forms share their buffers, one stage's part behind the other's; see linkShader.
 */
export function joinStages(
  last: OutputStage,
  inner: Readonly<Record<string, OutputStage>>,
): Omit<OutputStage, 'proof'> {
  const buffers = new Map<string, number[][]>();
  const links: string[] = ['output/codes'];
  const overrides: Record<string, number> = { ...last.overrides };
  const unroll: Record<string, number> = {};
  for (const [stage, one] of [['', last] as const, ...Object.entries(inner)]) {
    const form = `requantize/${one.proof.form}`;
    links.push(stage === '' ? form : `${form}#${stage}`);
    for (const [name, count] of Object.entries(one.unroll)) unroll[stage === '' ? name : `${name}_${stage}`] = count;
    for (const [name, data] of formBuffers(one)) {
      const parts = buffers.get(name) ?? [];
      buffers.set(name, parts);
      if (stage !== '')
        overrides[`${stage}_${name}`.toUpperCase()] = parts.reduce((sum, { length }) => sum + length, 0) / WORDS[name]!;
      parts.push(Array.from(data));
    }
  }
  return { links, parameters: [...buffers.values()].map((parts) => Int32Array.from(parts.flat())), overrides, unroll };
}
