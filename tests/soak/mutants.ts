import { Random } from '../../models/random.ts';
import { Exact8Error } from '../../src/errors.ts';
import { mutateBytes, type FuzzedFormat } from './format.ts';
import { FORMATS } from './formats/index.ts';

/** A kind of file and what is mutated of it. */
export interface Herd {
  readonly format: FuzzedFormat;
  readonly files: readonly Uint8Array[];
}

export async function herdOf(name: string): Promise<Herd> {
  const format = FORMATS.map(([one]) => one).find((one) => one.name === name)!;
  return { format, files: await format.corpus() };
}

/** The mutant of a seed: the same on every machine that has the same corpus. */
export function mutantOf({ format, files }: Herd, seed: number): Uint8Array {
  const random = new Random(seed);
  const file = random.pick(files);
  return random.chance(0.6) ? format.mutate(file, random, files) : mutateBytes(file, random, files);
}

export interface Outcome {
  /** 'opened', the class of the project's own error, or a finding. */
  readonly result: string;
  /** What was thrown and where, where it is none of the project's own. */
  readonly finding?: string;
}

/** Longest message of an error. */
const MOST_MESSAGE = 2000;

export async function judge({ format }: Pick<Herd, 'format'>, mutant: Uint8Array): Promise<Outcome> {
  try {
    await format.use(mutant);
    return { result: 'opened' };
  } catch (error) {
    // its own class says what is wrong; Exact8Error itself does not
    const isOwn = error instanceof Exact8Error && error.constructor !== Exact8Error;
    if (isOwn && error.message.length <= MOST_MESSAGE) return { result: error.name };
    const [first = '', ...stack] = (error instanceof Error ? (error.stack ?? error.message) : String(error)).split(
      '\n',
    );
    const where = stack.find((line) => line.includes('/src/') || line.includes('/harness/')) ?? stack[0] ?? '';
    return { result: 'finding', finding: `${first.slice(0, 200)} ${where.trim()}` };
  }
}
