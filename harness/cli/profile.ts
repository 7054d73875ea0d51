import { InvalidInputError } from '../../src/errors.ts';
import { parseProfile, type Profile } from '../../src/plan/profile.ts';
import { readInput } from './files.ts';

/**
 * A profile, as `exact8 tune` writes it or by itself.
 *
 * @throws InvalidInputError naming the file and what is wrong with it
 */
export async function readProfile(path: string): Promise<Profile> {
  const text = new TextDecoder().decode(await readInput(path));
  try {
    const value = JSON.parse(text) as { profile?: unknown } | null;
    return parseProfile(value?.profile ?? value);
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidInputError(`${path} is not JSON: ${error.message}`);
    if (error instanceof InvalidInputError) throw new InvalidInputError(`${path}: ${error.message}`);
    throw error;
  }
}
