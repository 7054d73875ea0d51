export { InferenceSession, type SessionOptions } from './session.ts';
export { Tensor } from './tensor.ts';
export type { Trace, TracedTensor } from './trace.ts';
export { readModel } from './formats/index.ts';
export { createPlan, type Plan, type PlanOptions } from './plan/plan.ts';
export { referenceTrace } from './plan/reference.ts';
export { SEMANTICS, findSemantics } from './semantics/index.ts';
export type * from './semantics/semantics.ts';
export type * from './graph/graph.ts';
export {
  DeviceError,
  Exact8Error,
  InvalidInputError,
  InvalidModelError,
  UnsupportedModelError,
} from './errors.ts';
