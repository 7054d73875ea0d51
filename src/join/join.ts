import type { TensorInfo } from '../graph/graph.ts';
import type { Layer } from '../layers/layer.ts';
import { areSaturatingNeighbours } from '../engines/pairs.ts';
import { extent, type Extent } from '../layers/layout.ts';
import { Flow } from './flow.ts';
import type { Fusion } from './fusion.ts';
import { coreOf, placeOf, requantizingCore, type Block, type Found, type Joined } from './joined.ts';
import { findRange, findResidual, findScaled, planesOf } from './scaled.ts';

type Search = (one: Joined, flow: Flow) => Found | undefined;

interface JoinOptions {
  readonly fusion: Fusion;
  /** The outputs of the graph: they are written in any case. */
  readonly outputs: readonly string[];
  /** Is there a kernel for it? */
  admits(joined: Joined): boolean;
}

interface Joins {
  readonly joined: readonly Joined[];
  /** Tensors that lie in planes: see planesOf. */
  readonly planes: ReadonlySet<string>;
}

/** The tensor whose memory a tensor shares: itself, where no view made it. */
export function memoryOfViews(layers: readonly Layer[]): ReadonlyMap<string, string> {
  const views = new Map<string, string>();
  for (const { kind, reads, writes } of layers)
    if (kind === 'view') views.set(writes.name, views.get(reads[0]!.name) ?? reads[0]!.name);
  return views;
}

/**
 * Layers as dispatches compute them, in order: tensors that only one other layer reads, and no output is, stay on the
 * chip as far as `fusion` goes and kernels do. What cannot be joined stays as it is; views are no work.
 */
export function join(layers: readonly Layer[], { fusion, outputs, admits }: JoinOptions): Joins {
  const views = memoryOfViews(layers);
  const flowOf = (all: readonly Joined[]): Flow => new Flow(all, outputs, (tensor) => views.get(tensor) ?? tensor);
  const alone = layers.filter(({ kind }) => kind !== 'view').map((core): Joined => ({ core }));
  const searches: Readonly<Record<Fusion, readonly Search[]>> = {
    none: [],
    floats: [findScaled, findResidual, findRange],
    layers: [findScaled, findResidual, findRange, findEpilogue],
    blocks: [findScaled, findResidual, findRange, findBlock, findPooled, findEpilogue],
  };
  const joined = searches[fusion].reduce((all, search) => {
    const flow = flowOf(all);
    return joinAll(all, flow, (one) => {
      const found = search(one, flow);
      return found && admits(found.joined) ? found : undefined;
    });
  }, alone);
  return { joined, planes: planesOf(joined, flowOf(joined)) };
}

/**
 * Joins until nothing is left to join. What is joined stands where the last of its parts stood: by then all that it reads
 * is computed; or where the first stood, which alone reads what others compute.
 */
function joinAll(given: readonly Joined[], flow: Flow, search: (one: Joined) => Found | undefined): Joined[] {
  let all = [...given];
  for (let changed = true; changed;) {
    changed = false;
    const places = new Map(all.map((one, place) => [one, place]));
    const standing: (Joined | undefined)[] = [...all];
    for (let place = 0; place < standing.length; place++) {
      const one = standing[place];
      const found = one && search(one);
      if (!found) continue;
      changed = true;
      const gone = found.replaces.map((part) => places.get(part)!);
      for (const part of gone) standing[part] = undefined;
      const at = found.first ? Math.min(...gone) : Math.max(...gone);
      standing[at] = found.joined;
      places.set(found.joined, at);
      flow.replace(found.replaces, found.joined);
    }
    all = standing.filter((one) => one !== undefined);
  }
  return all;
}

const isDilated = ({ dilations }: Layer<'conv' | 'depthwise'>): boolean => dilations.some((d) => d !== 1);
/** Are these the same in what one layer writes and what another reads? A view may lie between, of any shape. */
const same = (a: TensorInfo, b: TensorInfo, ...axes: readonly (keyof Extent)[]): boolean =>
  a.type === b.type && axes.every((axis) => extent(a)[axis] === extent(b)[axis]);

/** A layer that a block may begin with: every output channel sees all input channels, and sums are exact. */
function expanding(one: Joined, depthwise: Layer<'depthwise'>): Block['expand'] | undefined {
  const layer = requantizingCore(one, 'pointwise', 'conv', 'gemm');
  if (!layer || one.epilogue || layer.accumulation !== 'exact') return undefined;
  const [read] = depthwise.reads as [TensorInfo];
  if (!same(layer.writes, read, 'channels')) return undefined;
  // under a window, pixels are where they are
  return layer.kind === 'conv' && (isDilated(layer) || !same(layer.writes, read, 'height', 'width'))
    ? undefined
    : layer;
}

/** The block around a depthwise layer, as far as what lies between its layers is nobody else's. */
function findBlock(one: Joined, flow: Flow): Found | undefined {
  const depthwise = requantizingCore(one, 'depthwise');
  const reader = depthwise && flow.onlyReader(one);
  const project = reader && requantizingCore(reader, 'pointwise');
  if (!depthwise || isDilated(depthwise) || !project || project.accumulation !== 'exact') return undefined;
  const { accumulation, layer } = depthwise;
  if (accumulation !== 'exact' && !areSaturatingNeighbours(layer, accumulation)) return undefined;
  if (!same(depthwise.writes, project.reads[0]!, 'channels')) return undefined;
  const before = flow.privateMaker(depthwise.reads[0]!.name, one);
  const expand = before && expanding(before, depthwise);
  const [first, input] = expand ? [before, expand.reads[0]!] : [one, depthwise.reads[0]!];
  const source = flow.privateMaker(input.name, first);
  const floats = source && coreOf(source, 'quantize');
  const quantize = floats?.tail ? undefined : floats;
  return {
    joined: {
      core: { kind: 'block', ...(quantize && { quantize }), ...(expand && { expand }), depthwise, project },
    },
    replaces: [...(quantize ? [source!] : []), ...(expand ? [before] : []), one, reader],
  };
}

/** A global average pool and the 1 by 1 convolution whose only reader it is: what is averaged is never written. */
function findPooled(one: Joined, flow: Flow): Found | undefined {
  const pool = coreOf(one, 'global_average_pool');
  const before = pool && flow.privateMaker(pool.reads[0]!.name, one);
  const pointwise = before && requantizingCore(before, 'pointwise');
  if (!pool || !pointwise || pointwise.accumulation !== 'exact') return undefined;
  if (!same(pointwise.writes, pool.reads[0]!, 'batch', 'channels')) return undefined;
  return { joined: { core: { kind: 'pooled_pointwise', pointwise, pool } }, replaces: [before, one] };
}

/** What alone reads the result of `one`, done before that is written: an 8-bit function of a pair, a dequantize, a float32 add. */
function findEpilogue(one: Joined, flow: Flow): Found | undefined {
  const reader = flow.onlyReader(one);
  if (!reader || reader.epilogue) return undefined;
  const { name } = placeOf(one, flow.memoryOf).writes;
  const otherOf = ({ reads }: Layer): number => reads.findIndex((tensor) => !flow.same(tensor.name, name));
  const pair = coreOf(reader, 'pair');
  if (pair && !one.epilogue && isPlain(pair))
    return { joined: { ...one, epilogue: { kind: 'pair', pair, other: otherOf(pair) } }, replaces: [one, reader] };
  const dequantize = coreOf(reader, 'table');
  if (dequantize?.values instanceof Float32Array && !dequantize.tail && !one.epilogue)
    return { joined: { ...one, epilogue: { kind: 'floats', dequantize } }, replaces: [one, reader] };
  const add = coreOf(reader, 'add_float32');
  if (!add || one.epilogue?.kind !== 'floats' || one.epilogue.sum) return undefined;
  const other = otherOf(add);
  const maker = other >= 0 ? flow.privateMaker(add.reads[other]!.name, reader) : undefined;
  const table = maker && !maker.epilogue ? coreOf(maker, 'table') : undefined;
  const made = table?.tail ? undefined : table;
  const sum = { add, ...(other >= 0 && { other }), ...(made && { dequantize: made }) };
  return {
    joined: { ...one, epilogue: { ...one.epilogue, sum } },
    replaces: [one, reader, ...(made ? [maker!] : [])],
  };
}

/** Is each element of one operand paired with the same one of the other, and by one function? */
function isPlain({ reads, tail, constant }: Layer<'pair'>): boolean {
  const [a, b] = reads as [TensorInfo, TensorInfo];
  return !tail && !constant && same(a, b, 'batch', 'channels', 'height', 'width');
}
