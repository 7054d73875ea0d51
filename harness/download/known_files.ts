import type { KnownFile } from './download.ts';

const ZOO = 'onnx/models/main/validated/vision/classification';

/**
 * The ONNX model zoo's mobilenetv2-12-qdq: MobileNetV2 1.0 224 on ImageNet in Q/DQ form, Apache-2.0. Its home stores
 * it by Git LFS; the model zoo's pages on Hugging Face have the same file.
 */
export const IMAGENET: readonly KnownFile[] = [
  {
    name: 'mobilenetv2-12-qdq.onnx',
    bytes: 3_593_903,
    sha256: '41a36090dafe98f4ad8f9b7fe0b218c56ac3c031e547f0367c30655d2702bffe',
    urls: [
      `https://media.githubusercontent.com/media/${ZOO}/mobilenet/model/mobilenetv2-12-qdq.onnx`,
      'https://huggingface.co/onnxmodelzoo/mobilenetv2-12-qdq/resolve/main/mobilenetv2-12-qdq.onnx',
    ],
  },
  {
    name: 'synset.txt',
    bytes: 31_675,
    sha256: 'acf75ef0abe89694b19056e0796401068b459c457baa30335f240c7692857355',
    urls: [`https://raw.githubusercontent.com/${ZOO}/synset.txt`],
  },
];
