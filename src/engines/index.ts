import { InvalidInputError, UnsupportedModelError } from '../errors.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import { createFbgemm, createFbgemmAvx2 } from './fbgemm.ts';
import { gemmlowp } from './gemmlowp.ts';
import { createOnednn } from './onednn.ts';
import { createOnednnAvx2 } from './onednn_avx2.ts';
import { onnxruntime } from './onnxruntime.ts';
import { onnxruntimeArm64, onnxruntimeArm64NoDot } from './onnxruntime_arm64.ts';
import { onnxruntimeX64 } from './onnxruntime_x64.ts';
import { onnxruntimeX64Avx2 } from './onnxruntime_x64_avx2.ts';
import type { PyTorchOptions } from './pytorch.ts';
import { qnnpack } from './qnnpack.ts';
import type { Engine } from './engine.ts';
import { tfjsTflite } from './tfjs_tflite.ts';
import { tflite } from './tflite.ts';
import { tfliteBuiltin } from './tflite_builtin.ts';
import { tfliteBuiltinArm64 } from './tflite_builtin_arm64.ts';
import { tfliteSingle } from './tflite_single.ts';
import { createX86, createX86Avx2 } from './x86.ts';
import { xnnpack } from './xnnpack.ts';
import { xnnpackArm64 } from './xnnpack_arm64.ts';

/** How the engine is run, where its results depend on it. */
export type EngineOptions = PyTorchOptions;

/** Every reference engine: one file, one line. */
const CREATE: readonly ((options: EngineOptions) => Engine)[] = [
  () => onnxruntime,
  () => onnxruntimeX64,
  () => onnxruntimeX64Avx2,
  () => onnxruntimeArm64,
  () => onnxruntimeArm64NoDot,
  () => qnnpack,
  createFbgemm,
  createFbgemmAvx2,
  createOnednn,
  createOnednnAvx2,
  createX86,
  createX86Avx2,
  () => tflite,
  () => tfliteSingle,
  () => gemmlowp,
  () => tfliteBuiltin,
  () => tfliteBuiltinArm64,
  () => xnnpack,
  () => xnnpackArm64,
  () => tfjsTflite,
];

/** The engines with their default options. */
export const ENGINES: readonly Engine[] = CREATE.map((create) => create({}));

/** @throws UnsupportedModelError, with the names that there are */
export function findEngine(name: string, options: EngineOptions = {}): Engine {
  if (!isRecord(options)) throw new InvalidInputError(`an engine's options are an object, got ${kindOf(options)}`);
  const index = ENGINES.findIndex((engine) => engine.name === name);
  if (index < 0)
    throw new UnsupportedModelError(
      `no engine is called ${kindOf(name)}; supported: ${ENGINES.map((s) => s.name).join(', ')}`,
    );
  return CREATE[index]!(options);
}
