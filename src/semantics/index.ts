import { UnsupportedModelError } from '../errors.ts';
import { fbgemm, fbgemmAvx2 } from './fbgemm.ts';
import { onednn } from './onednn.ts';
import { onnxruntime } from './onnxruntime.ts';
import { qnnpack } from './qnnpack.ts';
import type { Semantics } from './semantics.ts';
import { x86 } from './x86.ts';

/** Every reference engine: one file, one line. */
export const SEMANTICS: readonly Semantics[] = [onnxruntime, qnnpack, fbgemm, fbgemmAvx2, onednn, x86];

/** @throws UnsupportedModelError, with the names that there are */
export function findSemantics(name: string): Semantics {
  const found = SEMANTICS.find((semantics) => semantics.name === name);
  if (!found)
    throw new UnsupportedModelError(
      `no semantics is called '${name}'; supported: ${SEMANTICS.map((s) => s.name).join(', ')}`,
    );
  return found;
}
