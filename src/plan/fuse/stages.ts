import type { Step } from '../../ops/step.ts';
import { FORMS } from '../../requantize/prove.ts';

/** WebGPU's default limit of storage buffers a shader stage; every device allows it. */
export const MOST_STORAGE_BUFFERS = 8;

/** Operands, output and what the linked modules read. */
export function storageBuffers({ operands, parameters }: Pick<Step, 'operands' | 'parameters'>): number {
  return operands.length + 1 + parameters.length;
}

/** The buffers of a step's form, by the names its shader gives them. */
function formBuffers({ proof, parameters }: Step): [string, Int32Array][] {
  if (!proof) return [];
  const names = FORMS.find(({ name }) => name === proof.form)!.buffers;
  return names.map((name, i) => [name, parameters[i] as Int32Array]);
}

/** int32 words of one element of a buffer, as shaders declare it. */
const WORDS: Readonly<Record<string, number>> = { parameters: 4, boundaries: 1 };

/**
 * The requantizations of several steps for one pipeline: the last step's under its own name, each inner one's as
 * `requantize_<stage>`. Forms share their buffers, one stage's part behind the other's; see linkShader.
 */
export function joinStages(
  last: Step,
  inner: Readonly<Record<string, Step>>,
): Pick<Step, 'links' | 'parameters' | 'overrides' | 'unroll'> {
  const buffers = new Map<string, number[][]>();
  const links: string[] = ['output/codes'];
  const overrides: Record<string, number> = { OUTPUT_SIGN: last.overrides['OUTPUT_SIGN']! };
  const unroll: Record<string, number> = {};
  for (const [stage, step] of [['', last] as const, ...Object.entries(inner)]) {
    const form = `requantize/${step.proof!.form}`;
    links.push(stage === '' ? form : `${form}#${stage}`);
    for (const [name, count] of Object.entries(step.unroll ?? {}))
      unroll[stage === '' ? name : `${name}_${stage}`] = count;
    for (const [name, data] of formBuffers(step)) {
      const parts = buffers.get(name) ?? [];
      buffers.set(name, parts);
      if (stage !== '')
        overrides[`${stage}_${name}`.toUpperCase()] = parts.reduce((sum, { length }) => sum + length, 0) / WORDS[name]!;
      parts.push(Array.from(data));
    }
  }
  return { links, parameters: [...buffers.values()].map((parts) => Int32Array.from(parts.flat())), overrides, unroll };
}
