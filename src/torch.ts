/** Of models in PyTorch's files, TorchScript or state_dict: no other reader is part of it. */
import { ending } from './formats/ending.ts';
import { reading } from './formats/one.ts';
import { readTorch } from './formats/torch/index.ts';

/** As readModel of `exact8`, of this format alone. */
export const readModel = reading('torch', (bytes, options) => ending(readTorch(bytes), options));
