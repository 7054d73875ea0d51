import { bin } from './bin.ts';
import { c } from './c.ts';
import { coe } from './coe.ts';
import type { VectorFormat } from './format.ts';
import { hex } from './hex.ts';
import { mif } from './mif.ts';
import { npy } from './npy.ts';

export type { VectorFormat };

/** Every format: one file, one line. */
export const FORMATS: readonly VectorFormat[] = [npy, hex, coe, mif, bin, c];
