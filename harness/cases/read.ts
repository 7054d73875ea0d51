import { readModel } from '../../src/formats/index.ts';
import { findEngine } from '../../src/engines/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Case } from './case.ts';
import { writeCase } from './onnx.ts';

/** A case's graph, as it is read from a file where there is one; of a float32 bias onnxruntime's fusions make an int32. */
export function graphRead({ graph, form }: Case, file?: Uint8Array): Graph {
  const isFileOnly = findEngine(graph.engine).family === 'onnxruntime' && graph.constants.get('b')?.type === 'float32';
  const read = file ?? (isFileOnly ? writeCase(graph, form) : undefined);
  // a file of floats alone is refused: there they stand between layers of bytes
  if (graph.tensors.size === 0 && graph.inputs.every(({ type }) => type === 'float32')) return graph;
  return read ? { ...readModel(read), engine: graph.engine } : graph;
}
