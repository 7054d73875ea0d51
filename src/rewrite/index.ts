import type { Engine, RewriteName } from '../engines/engine.ts';
import type { Graph } from '../graph/graph.ts';
import { asOnnxruntime } from './onnxruntime/index.ts';

/** What engines do to a graph before they run it: one folder, one line. */
const REWRITES: Readonly<Record<RewriteName, (graph: Graph, engine: Engine) => Graph>> = {
  none: (graph) => graph,
  onnxruntime: asOnnxruntime({ int8: false }),
  'onnxruntime-int8': asOnnxruntime({ int8: true }),
};

/**
 * The graph as an engine runs it: Q/DQ patterns become integer operators exactly where the engine fuses them, the rest stays.
 *
 * @throws UnsupportedModelError where it is not known what the engine makes of it
 */
export function rewrite(graph: Graph, engine: Engine): Graph {
  return engine.fuse ? engine.fuse(graph) : REWRITES[engine.rewrite ?? 'none'](graph, engine);
}
