import { describe, expect, it } from 'vitest';
import { generateBlock } from '../../harness/cases/blocks.ts';
import { rewrite } from '../rewrite/index.ts';
import { findEngine } from '../engines/index.ts';
import { saturatingNeighbours } from '../engines/pairs.ts';
import type { Graph } from '../graph/graph.ts';
import { inferGraph, layersOf as layersOfGraph } from '../layers/infer.ts';
import type { Layer } from '../layers/layer.ts';
import { join, memoryOfViews } from './join.ts';
import { layersOf, type Joined } from './joined.ts';

const ENGINES = ['onnxruntime', 'onnxruntime-x64', 'qnnpack', 'fbgemm-avx2'];

function layersOfCase(graph: Graph): readonly Layer[] {
  const engine = findEngine(graph.engine);
  return layersOfGraph(inferGraph(rewrite(graph, engine), engine), engine);
}

const joinAll = (layers: readonly Layer[], outputs: readonly string[]): Joined[] => [
  ...join(layers, { fusion: 'blocks', outputs, admits: () => true }).joined,
];

const nameOf = ({ node, op }: Layer): string => `'${node}' (${op})`;

/** What is wrong with a joining of layers: each computed once, all that is read computed before, nothing hidden that is read elsewhere. */
function faultsOf(layers: readonly Layer[], joined: readonly Joined[], outputs: readonly string[]): string[] {
  const views = memoryOfViews(layers);
  const memoryOf = (tensor: string): string => views.get(tensor) ?? tensor;
  const faults: string[] = [];
  const computed = joined.flatMap(layersOf);
  for (const layer of layers.filter(({ kind }) => kind !== 'view')) {
    const times = computed.filter((one) => one === layer).length;
    if (times !== 1) faults.push(`${nameOf(layer)} is computed ${times} times`);
  }
  const made = new Set(computed.map(({ writes }) => memoryOf(writes.name)));
  const written = new Set<string>();
  for (const one of joined) {
    const own = layersOf(one);
    const inside = new Set<string>();
    for (const layer of own) {
      for (const { name } of layer.reads) {
        const tensor = memoryOf(name);
        if (made.has(tensor) && !written.has(tensor) && !inside.has(tensor))
          faults.push(`${nameOf(layer)} reads '${name}', which nobody has written`);
      }
      inside.add(memoryOf(layer.writes.name));
    }
    written.add(memoryOf(own.at(-1)!.writes.name));
  }
  for (const name of outputs.map(memoryOf))
    if (made.has(name) && !written.has(name)) faults.push(`output '${name}' is never written`);
  return faults;
}

describe('what is joined', () => {
  it('computes each layer once, and hides nothing that somebody else reads', () => {
    let blocks = 0;
    for (const engine of ENGINES)
      for (let index = 0; index < 40; index++) {
        const { graph } = generateBlock(engine, 31, index);
        const layers = layersOfCase(graph);
        const inner = layers[index % layers.length]!.writes.name;
        for (const outputs of [graph.outputs, [...graph.outputs, inner]]) {
          const joined = joinAll(layers, outputs);
          expect(faultsOf(layers, joined, outputs), graph.name).toEqual([]);
          blocks += joined.filter(({ core }) => core.kind === 'block').length;
        }
      }
    expect(blocks).toBeGreaterThan(100);
  });

  it.each([
    ['an add joined though its other operand is made later', 'reads'],
    ['a tensor hidden that is used twice', 'reads'],
    ['an output hidden', 'is never written'],
    ['a layer left out', 'is computed 0 times'],
  ])('a planted fault is found, and named: %s', (fault, message) => {
    const { graph } = generateBlock('qnnpack', 1, 0);
    const layers = layersOfCase(graph);
    const joined = joinAll(layers, graph.outputs);
    const inner = layers[0]!;
    const reader = {
      ...layers[0]!,
      node: 'second',
      reads: [inner.writes],
      writes: { ...inner.writes, name: 'second' },
    };
    const planted: Record<string, readonly [readonly Layer[], readonly Joined[], readonly string[]]> = {
      'an add joined though its other operand is made later': [
        [...layers, reader],
        [{ core: reader }, ...joined],
        graph.outputs,
      ],
      'a tensor hidden that is used twice': [[...layers, reader], [...joined, { core: reader }], graph.outputs],
      'an output hidden': [layers, joined, [...graph.outputs, inner.writes.name]],
      'a layer left out': [layers, joined.slice(1), []],
    };
    const faults = faultsOf(...planted[fault]!);
    expect(faults.join('\n')).toContain(message);
    expect(faults.join('\n')).toMatch(/'(second|t0|Conv0)'/);
  });
});

describe('what looks alike and is not joined', () => {
  const { graph } = generateBlock('qnnpack', 1, 0);
  const [expand, depthwise, project] = layersOfCase(graph) as [
    Layer<'pointwise'>,
    Layer<'depthwise'>,
    Layer<'pointwise'>,
  ];
  const isBlock = (layers: readonly Layer[]): boolean =>
    joinAll(layers, [project.writes.name])[0]!.core.kind === 'block';

  it('a block is one value', () => {
    const [{ core }] = joinAll([expand, depthwise, project], [project.writes.name]) as [Joined];
    expect(core).toEqual({ kind: 'block', expand, depthwise, project });
  });
  it('a window that slides over a tensor which is then seen in another shape', () => {
    const { shape, ...rest } = expand.writes;
    const [n, c, h, w] = shape as [number, number, number, number];
    const seen = { ...rest, name: 'seen', shape: [n, c, 1, h * w] };
    const view: Layer = { kind: 'view', node: 'v', op: 'Reshape', reads: [expand.writes], writes: seen };
    const behind = { ...depthwise, reads: [seen] };
    const window = { ...expand, kind: 'conv' as const };
    expect(joinAll([expand, view, behind, project], [])[0]!.core).toMatchObject({ kind: 'block', expand });
    expect(joinAll([window, view, behind, project], []).map(({ core }) => core.kind)).toEqual(['conv', 'block']);
  });
  it('layers between which a view makes other channels of the same bytes', () => {
    const seenAs = (info: Layer['writes'], by: number): readonly [view: Layer, seen: Layer['writes']] => {
      const [n, c, h, w] = info.shape as [number, number, number, number];
      const seen = { ...info, name: 'seen', shape: [n * by, c / by, h, w] };
      return [{ kind: 'view', node: 'v', op: 'Reshape', reads: [info], writes: seen }, seen];
    };
    const [before, behind] = [seenAs(expand.writes, 2), seenAs(depthwise.writes, 2)];
    const kinds = (layers: readonly Layer[]): string[] => joinAll(layers, []).map(({ core }) => core.kind);
    expect(kinds([expand, before[0], { ...depthwise, reads: [before[1]] }, project])).toEqual(['pointwise', 'block']);
    expect(kinds([expand, depthwise, behind[0], { ...project, reads: [behind[1]] }])).not.toContain('block');
    const average = { kind: 'global_average_pool', node: 'a', op: 'GlobalAveragePool' } as Layer<'global_average_pool'>;
    const pool = (read: Layer['writes']): Layer => ({ ...average, reads: [read], writes: { ...read, name: 'mean' } });
    const [view, seen] = seenAs(project.writes, 2);
    expect(kinds([project, pool(project.writes)])).toEqual(['pooled_pointwise']);
    expect(kinds([project, view, pool(seen)])).toEqual(['pointwise', 'global_average_pool']);
  });
  it('sums that saturate before and behind the depthwise layer', () => {
    expect(isBlock([expand, depthwise, project])).toBe(true);
    const saturates = <L extends typeof expand | typeof depthwise>(one: L): L => ({
      ...one,
      accumulation: saturatingNeighbours(one.layer),
    });
    expect(isBlock([expand, saturates(depthwise), project])).toBe(true);
    expect(isBlock([expand, depthwise, saturates(project)])).toBe(false);
    expect(isBlock([saturates(expand), depthwise, project])).toBe(false);
    for (const other of [{ overflow: 'wraps' }, { outside: 'nothing' }, { rounds: true }] as const)
      expect(
        isBlock([
          expand,
          { ...depthwise, accumulation: { ...saturatingNeighbours(depthwise.layer), ...other } },
          project,
        ]),
      ).toBe(false);
  });
  it('an add of a tensor of another shape, which is read element by element', () => {
    const { writes } = project;
    const pairOf = (shape: readonly number[], reads: 'first' | 'second'): Layer<'pair'> => {
      const other = { ...writes, name: 'other', shape };
      const [large, small] = reads === 'first' ? [writes, other] : [other, writes];
      return {
        kind: 'pair',
        node: 'p',
        op: 'Mul',
        reads: [large, small],
        writes: { ...large, name: 'sum' },
        codes: () => 0,
      };
    };
    const kinds = (pair: Layer): unknown[] => joinAll([project, pair], ['sum']).map(({ epilogue }) => epilogue?.kind);
    expect(kinds(pairOf(writes.shape, 'first'))).toEqual(['pair']);
    expect(kinds(pairOf([1, writes.shape[1]!, 1, 1], 'first'))).toEqual([undefined, undefined]);
    expect(kinds(pairOf([...writes.shape.slice(0, 3), 2 * writes.shape[3]!], 'second'))).toEqual([
      undefined,
      undefined,
    ]);
  });
});
