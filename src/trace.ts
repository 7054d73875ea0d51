import type { ElementData, ElementType, Quantization } from './graph/graph.ts';
import type { Tensor } from './tensor.ts';

/** One tensor of an inference, as it was computed. */
export interface TracedTensor {
  readonly name: string;
  /** The node that computed it and its operator; 'input' for graph inputs. */
  readonly node: string;
  readonly op: string;
  readonly type: ElementType;
  /** NCHW. */
  readonly shape: readonly number[];
  readonly data: ElementData;
  readonly quantization?: Quantization;
  /** sum((x - zx) * (w - zw)) for each element, the bias not included; where it was asked for and the operator has one. */
  readonly accumulators?: Int32Array;
}

/** Every tensor of one inference, in the order of execution, the inputs first. */
export interface Trace {
  readonly tensors: readonly TracedTensor[];
  readonly outputs: Readonly<Record<string, Tensor>>;
}
