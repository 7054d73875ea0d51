import type { Engine } from '../../engines/engine.ts';
import type { Graph } from '../../graph/graph.ts';
import { toBytes } from './bytes.ts';
import { fuseOperatorsOf, type Fusions } from './fusion.ts';

/** What onnxruntime makes of a Q/DQ model, and what it leaves in float as functions of bytes. */
export const asOnnxruntime =
  (fusions: Fusions) =>
  (graph: Graph, engine: Engine): Graph => {
    const draft = fuseOperatorsOf(graph, fusions, engine);
    toBytes(draft, engine);
    return draft.finish();
  };
