import type { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { OnnxForm } from './onnx.ts';

/** A graph of one operator with its input: everything follows from engine, seed and index. */
export interface Case {
  /** ENGINE/SEED/INDEX */
  readonly id: string;
  readonly description: string;
  /** How it is written where an engine reads it from an ONNX file. */
  readonly form: OnnxForm;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** What a kind of case makes; where it stands among the others gives it its name. */
export type Unnamed = Omit<Case, 'id' | 'form'> & { readonly form?: OnnxForm };
