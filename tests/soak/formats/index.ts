import type { FuzzedFormat } from '../format.ts';
import { npy, npz } from './npz.ts';
import { onnx } from './onnx.ts';
import { jpeg, png } from './pictures.ts';
import { profile } from './profile.ts';
import { tflite } from './tflite.ts';
import { torch, torchscript } from './torch.ts';

/** Every kind of file that is fuzzed, and how much of the work each gets. */
export const FORMATS: readonly (readonly [format: FuzzedFormat, share: number])[] = [
  [onnx, 12],
  [torch, 4],
  [torchscript, 2],
  [tflite, 4],
  [npy, 1],
  [npz, 1],
  [png, 1],
  [jpeg, 1],
  [profile, 1],
];
