import { foldNetwork, type Network } from '../network.ts';
import { readNsfwjs } from '../nsfwjs/keras.ts';
import { faceResnet } from './face_resnet.ts';
import { mobilenetV3 } from './mobilenet_v3.ts';
import { squeezenet } from './squeezenet.ts';

/** How ONNX says that a network is quantized. */
export type Form = 'qoperator' | 'qdq';

export interface NetworkRecipe {
  /** One line for people. */
  readonly description: string;
  /** The forms that it can be written in. */
  readonly forms: readonly Form[];
  /** @param size pixels of a side of the picture, for networks that take any; the network's own without */
  build(size?: number): Promise<Network>;
}

/** Networks other than the default model, built for tests and by `npm run models`. */
export const NETWORKS: Readonly<Record<string, NetworkRecipe>> = {
  resnet: {
    description: "dlib's face recognition ResNet of the npm package @vladmandic/face-api: trained weights",
    forms: ['qoperator', 'qdq'],
    build: () => faceResnet(),
  },
  inception: {
    description: "the InceptionV3 of the npm package nsfwjs: trained weights; concatenations, 'same' average pools",
    forms: ['qoperator', 'qdq'],
    build: async (size = 299) => foldNetwork(await readNsfwjs('inception_v3'), 'nsfwjs_inception_v3', size),
  },
  squeezenet: {
    description: 'SqueezeNet 1.1, seeded weights; fire modules with concatenations',
    forms: ['qoperator', 'qdq'],
    build: async () => squeezenet(),
  },
  mobilenetv3: {
    description: 'MobileNetV3-Small 1.0, seeded weights; HardSwish, squeeze and excitation',
    // ONNX has no quantized HardSwish
    forms: ['qdq'],
    build: async () => mobilenetV3(),
  },
};
