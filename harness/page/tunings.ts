import { InvalidInputError } from '../../src/errors.ts';
import { parseTuning, type TuningFacts, type TuningFile } from '../tune/file.ts';

/** The browser keeps one tuning for each model, engine and adapter. */
const keyOf = ({ modelHash, engine, adapter }: TuningFacts): string =>
  `exact8 tuning: ${modelHash}, ${engine}, ${adapter}`;

/** @throws InvalidInputError where what is kept is no tuning, or was made by another version of the browser */
export function keptTuning(facts: TuningFacts): TuningFile | undefined {
  const text = stored(() => localStorage.getItem(keyOf(facts)));
  if (text === null) return undefined;
  return parseTuning(text, facts, 'The tuning that this browser keeps', 'tune again, or remove it');
}

/** @throws InvalidInputError where the browser keeps nothing */
export function keepTuning(file: TuningFile): void {
  stored(() => localStorage.setItem(keyOf(file), JSON.stringify(file)));
}

export function forgetTuning(facts: TuningFacts): void {
  stored(() => localStorage.removeItem(keyOf(facts)));
}

/** A browser may be told to keep nothing, and has a limit. */
function stored<T>(access: () => T): T {
  try {
    return access();
  } catch (error) {
    throw new InvalidInputError(`The browser does not keep the tuning: ${(error as Error).message}`, { cause: error });
  }
}

/** The browser and its version: a tuning by another one may find other kernels fast. */
export function runtimeOf({ userAgent }: Navigator): string {
  const [name] = /(?:Edg|Chrome|Firefox|Version)\/[\d.]+/.exec(userAgent) ?? [];
  return name?.replace('/', ' ') ?? userAgent;
}
