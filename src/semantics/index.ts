import { UnsupportedModelError } from '../errors.ts';
import { onnxruntime } from './onnxruntime.ts';
import type { Semantics } from './semantics.ts';

/** Every reference engine: one file, one line. */
export const SEMANTICS: readonly Semantics[] = [onnxruntime];

export function findSemantics(name: string): Semantics {
  const found = SEMANTICS.find((semantics) => semantics.name === name);
  if (!found)
    throw new UnsupportedModelError(
      `no semantics is called '${name}'; supported: ${SEMANTICS.map((s) => s.name).join(', ')}`,
    );
  return found;
}
