import { InvalidInputError } from '../../src/errors.ts';
import { parseProfile } from '../../src/plan/profile.ts';
import type { Handicap } from './measure.ts';
import type { Tuned } from './tuned.ts';

/** What a tuning is about; a later tuning of the same goes on from it. */
export interface TuningFacts extends Handicap {
  readonly schemaVersion: 1;
  readonly adapter: string;
  readonly runtime: string;
  readonly model: string;
  readonly modelHash: string;
  readonly engine: string;
}

/** What a tuning left behind, whole or in part: JSON. */
export interface TuningFile extends TuningFacts, Tuned {
  readonly date: string;
}

const ABOUT = ['schemaVersion', 'adapter', 'runtime', 'modelHash', 'engine', 'without', 'workgroupMemory'] as const;

/**
 * Reads what an earlier tuning left.
 *
 * @param where the text is from, and `hint`, what to do about it: for the error
 * @throws InvalidInputError where the text is no tuning, or one of something else
 */
export function parseTuning(text: string, facts: TuningFacts, where: string, hint: string): TuningFile {
  let file: Partial<TuningFile> | null;
  try {
    file = JSON.parse(text) as Partial<TuningFile> | null;
    if (!Array.isArray(file?.layers) || !Array.isArray(file.blocks) || !Array.isArray(file.fusions)) throw new Error();
    parseProfile(file.profile);
  } catch {
    throw new InvalidInputError(`${where} is there and is no tuning: ${hint}`);
  }
  const other = ABOUT.find((key) => String(file[key]) !== String(facts[key]));
  if (other !== undefined) throw new InvalidInputError(`${where} is there and is of another ${other}: ${hint}`);
  return file as TuningFile;
}
