import { UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData, Graph } from '../../src/graph/graph.ts';
import { inferGraph } from '../../src/layers/infer.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { Comparison, Mismatch } from './compare.ts';
import { compareLayers, layersOnHost } from './compare_layers.ts';
import { rewrite } from '../../src/rewrite/index.ts';

/** How well one engine explains a recorded trace, layer by layer from the trace's own tensors. */
export interface Candidate {
  readonly engine: string;
  readonly options: Readonly<Record<string, number>>;
  readonly elements: number;
  readonly mismatches: number;
  /** The first layer that it misses. */
  readonly firstMismatch?: Mismatch & { readonly tensor: string };
  readonly layersMissed: number;
  /** Why the engine cannot run this model; the counts are zero then. */
  readonly unsupported?: string;
}

export interface Identification {
  readonly candidates: readonly Candidate[];
  /** The engines that reproduce every element; none where no engine does. */
  readonly identified: readonly string[];
  /** Where none does: the one that misses fewest elements. */
  readonly nearest?: string;
}

function candidateOf(engine: Engine, options: Candidate['options'], comparison: Comparison): Candidate {
  const missed = comparison.tensors.filter((row) => row.mismatches > 0);
  const first = missed[0];
  return {
    engine: engine.name,
    options,
    elements: comparison.elements,
    mismatches: comparison.mismatches,
    layersMissed: missed.length,
    ...(first?.first ? { firstMismatch: { tensor: first.name, ...first.first } } : {}),
  };
}

/**
 * Which engine made a trace? Every layer is recomputed on the host from the trace's own tensors under every
 * engine; only an engine that reproduces all of it is named.
 *
 * @param recorded tensors by name, the graph's inputs included
 */
export async function identify(
  graph: Graph,
  shapes: Readonly<Record<string, readonly number[]>>,
  recorded: ReadonlyMap<string, ElementData>,
  engines: readonly { engine: Engine; options: Candidate['options'] }[],
  progress: (what: string) => void = () => undefined,
): Promise<Identification> {
  const candidates: Candidate[] = [];
  for (const { engine, options } of engines) {
    try {
      const typed = inferGraph(rewrite(graph, engine), engine, shapes);
      const comparison = await compareLayers(typed, recorded, layersOnHost(engine), (node, index) =>
        progress(`${engine.name}: ${node.name} (${index + 1} of ${typed.nodes.length})`),
      );
      candidates.push(candidateOf(engine, options, comparison));
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      candidates.push({
        engine: engine.name,
        options,
        elements: 0,
        mismatches: 0,
        layersMissed: 0,
        unsupported: error.message,
      });
    }
  }
  const able = candidates.filter((candidate) => candidate.elements > 0);
  const identified = able.filter(({ mismatches }) => mismatches === 0).map(({ engine }) => engine);
  const nearest = [...able].sort((a, b) => a.mismatches - b.mismatches)[0];
  return { candidates, identified, ...(identified.length === 0 && nearest ? { nearest: nearest.engine } : {}) };
}
