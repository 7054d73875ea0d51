/** Of models in TensorFlow Lite's files: no other reader is part of it. */
import { ending } from './formats/ending.ts';
import { reading } from './formats/one.ts';
import { readTflite } from './formats/tflite/read.ts';

/** As readModel of `exact8`, of this format alone. */
export const readModel = reading('tflite', (bytes, options) => ending(readTflite(bytes), options));
