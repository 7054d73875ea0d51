import { UnsupportedModelError } from '../../src/errors.ts';
import { ENGINES, findEngine } from '../../src/engines/index.ts';
import type { Pairs } from '../../src/engines/engine.ts';
import { isLinear } from '../../src/layers/layer.ts';
import { stagesOf } from '../../src/plan/stages.ts';
import type { LoadedModel } from './model.ts';
import { tableOf, type Column } from './output.ts';

/** A layer in which some input makes pairs of products leave int16. */
interface OverflowingLayer {
  readonly node: string;
  readonly overflow: Pairs['overflow'];
  /** Output channels in which that can happen, and all. */
  readonly channels: number;
  readonly of: number;
}

interface EngineOverflow {
  readonly engine: string;
  readonly layers: readonly OverflowingLayer[];
}

/** Where a model's sums can overflow: under every engine that can run it. */
export function overflowsOf({ graph, plan }: Pick<LoadedModel, 'graph' | 'plan'>): EngineOverflow[] {
  const shapes = Object.fromEntries(plan.graph.inputs.map(({ name, shape }) => [name, shape]));
  return ENGINES.flatMap(({ name }) => {
    try {
      const { layers } = stagesOf(graph, { engine: findEngine(name), shapes });
      const overflowing = layers.filter(isLinear).flatMap((one): OverflowingLayer[] => {
        const { node, accumulation, overflowingChannels: channels, layer } = one;
        if (accumulation === 'exact' || channels === 0) return [];
        return [{ node, overflow: accumulation.overflow, channels, of: layer.outputChannels }];
      });
      return [{ engine: name, layers: overflowing }];
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      return [];
    }
  });
}

const listed = (engines: readonly EngineOverflow[]): string => engines.map(({ engine }) => engine).join(', ');

/** A row a layer, a column for the engines under which the same overflows. */
export function describeOverflows(engines: readonly EngineOverflow[]): string {
  const alike = new Map<string, EngineOverflow[]>();
  for (const one of engines) {
    const key = JSON.stringify(one.layers);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  const exact = engines.filter(({ layers }) => layers.length === 0);
  const groups = [...alike.values()].filter(([first]) => first!.layers.length > 0);
  const none = exact.length > 0 ? [`none under ${listed(exact)}`] : [];
  const title = 'output channels in which some input makes pairs of products leave int16';
  if (groups.length === 0) return `${title}: ${none.join()}`;
  // the longest first: it has nearly all, in the order of the graph
  const longest = engines.toSorted((a, b) => b.layers.length - a.layers.length);
  const rows = new Map(longest.flatMap(({ layers }) => layers.map((layer) => [layer.node, layer] as const)));
  const columns: Column<OverflowingLayer>[] = [
    ['layer', 'text', ({ node }) => node],
    ['channels', 'number', ({ of }) => of],
    ...groups.map((group): Column<OverflowingLayer> => [
      listed(group),
      'text',
      ({ node }) => {
        const own = group[0]!.layers.find((layer) => layer.node === node);
        return own && `${own.channels} ${own.overflow === 'wraps' ? 'wrap' : 'saturate'}`;
      },
    ]),
  ];
  return [`${title}:`, tableOf(columns, [...rows.values()]), ...none].join('\n');
}
