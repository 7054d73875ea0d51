import { layersOf, type Joined } from '../../src/join/joined.ts';
import type { Graph, GraphNode, TensorInfo } from '../../src/graph/graph.ts';
import { macsOf } from '../../src/layers/linear/geometry.ts';
import { isLinear, type Layer } from '../../src/layers/layer.ts';
import { stagesOf } from '../../src/plan/stages.ts';
import { formatCount } from '../report/format.ts';
import type { LoadedModel } from './model.ts';
import { table } from './output.ts';

/** What becomes of a model, in order. 'plan' is the last: what `inspect` shows anyway. */
export const STAGES = ['graph', 'rewrite', 'typed', 'layers', 'joined', 'plan'] as const;
export type Stage = (typeof STAGES)[number];

interface Printed {
  /** Plain data. */
  readonly data: unknown;
  readonly text: string;
}

/** More values than these are counted, and not listed. */
const MOST_VALUES = 16;

/** As JSON has it: maps as objects, long arrays by their length, functions left out. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const values = Array.from(value as Int32Array, Number);
    return values.length <= MOST_VALUES ? values : `${value.constructor.name}(${values.length})`;
  }
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => typeof one !== 'function');
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}

const ofTensor = ({ name, type, shape }: TensorInfo): string => `${name} ${type} [${shape.join(', ')}]`;

function nodesTable({ nodes }: Graph, info: (tensor: string) => string): string {
  const row = ({ name, op, inputs, outputs }: GraphNode): string[] => [
    name,
    op,
    inputs.join(', '),
    outputs.map(info).join(', '),
  ];
  return table(['node', 'operator', 'reads', 'makes'], nodes.map(row), []);
}

function detail(layer: Layer): string {
  if (!isLinear(layer)) return layer.kind === 'concat' ? `axis ${layer.axis}` : '';
  const { kernel, groups } = layer.layer;
  const window = `${kernel.join('x')} window, stride ${layer.strides.join('x')}`;
  return `${window}${groups > 1 ? `, ${groups} groups` : ''}, ${formatCount(macsOf(layer))} MACs`;
}

function layersTable(layers: readonly Layer[]): string {
  const rows = layers.map((layer) => [
    layer.node,
    layer.kind,
    layer.reads.map(({ name }) => name).join(', '),
    ofTensor(layer.writes),
    detail(layer),
  ]);
  return table(['node', 'layer', 'reads', 'makes', ''], rows, []);
}

function joinedTable(joined: readonly Joined[]): string {
  const rows = joined.map((one) => {
    const layers = layersOf(one);
    const epilogue = one.epilogue ? ` + ${one.epilogue.kind}` : '';
    return [`${one.core.kind}${epilogue}`, layers.map(({ node }) => node).join(', '), ofTensor(layers.at(-1)!.writes)];
  });
  return table(['joined', 'of the nodes', 'makes'], rows, []);
}

/** A model as a stage leaves it. */
export function printStage(
  { graph, plan, shapes }: Pick<LoadedModel, 'graph' | 'plan' | 'shapes'>,
  stage: Exclude<Stage, 'plan'>,
): Printed {
  const { engine, features, profile, fusion } = plan;
  const { rewritten, typed, layers, joined } = stagesOf(graph, { engine, features, profile, fusion, shapes });
  const byName = (tensor: string): string => tensor;
  switch (stage) {
    case 'graph':
      return { data: plain(graph), text: nodesTable(graph, byName) };
    case 'rewrite':
      return { data: plain(rewritten), text: nodesTable(rewritten, byName) };
    case 'typed':
      return { data: plain(typed), text: nodesTable(typed, (tensor) => ofTensor(typed.tensors.get(tensor)!)) };
    case 'layers':
      return { data: plain(layers), text: layersTable(layers) };
    case 'joined':
      return { data: plain(joined), text: joinedTable(joined) };
  }
}
