import type { ElementType, Graph } from '../graph/graph.ts';
import { DYNAMIC } from '../graph/graph.ts';
import type { Plan } from '../plan/steps.ts';

/** An input or output of a model. */
export interface TensorMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: ElementType;
  /** Of a dimension that the model leaves open its name, '' where it has none. */
  readonly shape: readonly (number | string)[];
}

/** Of a model's inputs, in its order. */
export function inputMetadata(graph: Graph): readonly TensorMetadata[] {
  return graph.inputs.map(({ name, type, shape }) => {
    const named = (i: number): number | string => graph.declared?.get(name)?.[i] ?? '';
    return { name, isTensor: true, type, shape: shape.map((d, i) => (d === DYNAMIC ? named(i) : d)) };
  });
}

/** Of its outputs: shapes as the file declares them, where it does, else those of the plan. */
export function outputMetadata({ graph: typed, tensors }: Plan): readonly TensorMetadata[] {
  return typed.outputs.map((name) => {
    const { type, shape } = tensors.get(name)!;
    const declared = typed.declared?.get(name);
    return { name, isTensor: true, type, shape: declared?.length === shape.length ? declared : shape };
  });
}
