import type { RecipeName } from '../../src/recipes.ts';

/** The recipe of models that are recognised by the SHA-256 of their file. */
const RECIPES: Readonly<Record<string, RecipeName>> = {
  // ONNX model zoo, mobilenetv2-12-qdq.
  '41a36090dafe98f4ad8f9b7fe0b218c56ac3c031e547f0367c30655d2702bffe': 'torchvision',
  // google-coral MobileNetV2 1.0 224 and MobileNetV1 0.25 128, uint8, rewritten as QOperator ONNX.
  '42af1c497d11cdcfee046f1aa53e860f71f5ba03a214426428f3782ab5ccb62b': 'inception',
  '44239022d78afc08a9af63ba472f713b32479420768f7527f8d382c9aa2b5712': 'inception',
  // the same as .tflite, and MobileNetV2 of int8 with inputs of uint8
  '7aad0c74c5e3c06e5eb3c827e13304fdd68a83da6087d92ee169c24ff9fd4776': 'inception',
  cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785: 'inception',
  '5d3137241276e79c86d14a74fe43581398ae0e815191d3dba45495b810840e8c': 'inception',
};

/** The recipe for a model file, by the hexadecimal SHA-256 of its bytes; undefined where it is not known. */
export function knownRecipe(sha256: string): RecipeName | undefined {
  return RECIPES[sha256];
}
