export { InferenceSession } from './session/session.ts';
export type { MeasureOptions, OutputLocation, RunOptions, SessionOptions } from './session/options.ts';
export type { ModelSource, Progress } from './session/source.ts';
export type { Fed, Feeds } from './feeds.ts';
export type { Fetched } from './session/fetches.ts';
export type { TensorMetadata } from './session/metadata.ts';
export type { FromImageOptions, ToImageOptions } from './pictures/conversion.ts';
export { decodePicture, type PictureSource } from './pictures/decode.ts';
export type { Picture } from './pictures/picture.ts';
export { preprocess, RECIPE_NAMES, type RecipeName } from './recipes.ts';
export { preprocessOnGpu } from './gpu/pictures.ts';
export { rankClasses, type RankedClass } from './classes.ts';
export { Tensor, type GpuBufferOptions, type TensorConstructor, type TensorLocation } from './tensor.ts';
export type { Trace, TracedTensor } from './trace.ts';
export { readModel } from './formats/index.ts';
export type { PlanOptions } from './plan/options.ts';
export { createPlan, variantsFor, type Plan } from './plan/plan.ts';
export { DEFAULT_PROFILES, parseProfile, type AdapterFamily, type Profile } from './plan/profile.ts';
export type { Features } from './kernels/features.ts';
export type { VariantChoice, VariantOption } from './kernels/variant.ts';
export { referenceTrace } from './plan/reference.ts';
export { ENGINES, findEngine, ENGINES as SEMANTICS, findEngine as findSemantics } from './engines/index.ts';
export { FloatLines } from './engines/float_lines.ts';
export { BLANK, saturatingNeighbours } from './engines/pairs.ts';
export type * from './engines/engine.ts';
export type { Engine as Semantics } from './engines/engine.ts';
export type * from './graph/graph.ts';
export {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  NoWebGpuError,
  UnsupportedModelError,
} from './errors.ts';
