/** Of models in ONNX files: no other reader is part of it. */
import { reading } from './formats/one.ts';
import { readOnnx } from './formats/onnx/read.ts';

/** As readModel of `exact8`, of this format alone. */
export const readModel = reading('onnx', readOnnx);
