import type { GraphNode } from '../../src/graph/graph.ts';
import { definitionOf } from '../../src/layers/infer.ts';
import type { BoundEngine } from './bound_engine.ts';
import type { Cause, LayerExplanation } from './explanation.ts';

/** What a layer is, as people call it: depthwise, pointwise, add, ...; its operator where there is no such word. */
export function classOf(node: GraphNode, { context }: BoundEngine): string {
  const definition = definitionOf(node, context);
  if (definition?.kind !== 'linear') return definition ? (WORDS[definition.kind] ?? definition.kind) : node.op;
  const { layer } = definition.linear;
  if (layer.op === 'gemm') return 'fully connected';
  if (layer.groups > 1) return layer.groups === layer.inputChannels ? 'depthwise' : 'grouped';
  return Math.max(...layer.kernel) === 1 ? 'pointwise' : 'convolution';
}

const WORDS: Readonly<Record<string, string>> = {
  global_average_pool: 'pool',
  max_pool: 'pool',
  add_float32: 'float32 add',
};

/** Layers of one class, and what became of them. */
export interface ClassSummary {
  readonly class: string;
  readonly compared: number;
  readonly differ: number;
  readonly own: number;
  readonly explained: number;
  readonly certain: number;
}

/** @param compared the class of every layer that was compared */
export function summarizeClasses(
  compared: ReadonlyMap<string, string>,
  layers: readonly LayerExplanation[],
): ClassSummary[] {
  return [...new Set(compared.values())].map((name) => {
    const differ = layers.filter((layer) => compared.get(layer.name) === name);
    const own = differ.filter(({ origin }) => origin === 'own');
    return {
      class: name,
      compared: [...compared.values()].filter((other) => other === name).length,
      differ: differ.length,
      own: own.length,
      explained: own.filter(({ exact }) => exact).length,
      certain: own.filter(({ certain }) => certain).length,
    };
  });
}

/** A cause that several layers of a class have. */
export interface Recurring extends Pick<Cause, 'kind' | 'side' | 'way'> {
  readonly class: string;
  /** For people, of the first such layer. */
  readonly detail: string;
  readonly layers: number;
  /** Layers of the class that were compared. */
  readonly of: number;
}

/** Causes of more than one layer of a class, the most frequent first. */
export function recurringCauses(
  compared: ReadonlyMap<string, string>,
  layers: readonly LayerExplanation[],
): Recurring[] {
  const found = new Map<string, Recurring>();
  for (const { name, causes } of layers)
    for (const { kind, side, way, detail } of causes) {
      const group = compared.get(name)!;
      const key = [group, side, kind, way].join();
      const known = found.get(key);
      const of = [...compared.values()].filter((other) => other === group).length;
      found.set(
        key,
        known ? { ...known, layers: known.layers + 1 } : { kind, side, way, detail, class: group, layers: 1, of },
      );
    }
  return [...found.values()].filter(({ layers }) => layers > 1).sort((a, b) => b.layers - a.layers);
}
