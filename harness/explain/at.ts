import { InvalidInputError } from '../../src/errors.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import { operandsOf, type TypedGraph } from '../../src/layers/operator.ts';
import { arraysByName } from '../compare/array_names.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { analyzeElement, type ElementAnalysis } from './element.ts';
import { valuesOf, type BoundEngine, type Values } from './bound_engine.ts';

/** Where an element is: the tensor, and as many numbers as it has dimensions (NCHW). */
interface ElementAddress {
  readonly tensor: string;
  readonly index: readonly number[];
}

/**
 * `LAYER,c,y,x` or `LAYER,n,c,y,x`; `LAYER,c` or `LAYER,n,c` where a tensor has no pixels; `LAYER[c][y][x]` and
 * `LAYER[c, y, x]` likewise. The layer is a tensor or the node that computes it.
 *
 * @throws InvalidInputError where there is no such element
 */
export function parseElementAddress(text: string, graph: TypedGraph): ElementAddress {
  const [, layer, numbers] = /^(.+?)((?:,\d+)+|(?:\[[\d,\s]+\])+)$/.exec(text) ?? [];
  const form = 'LAYER,c,y,x or LAYER[c][y][x] (or n before c), counted from 0';
  if (layer === undefined) throw new InvalidInputError(`--at ${text}: an element is ${form}`);
  const [alike = layer] = arraysByName([layer], [...graph.tensors.values()]).keys();
  const node =
    graph.nodes.find(({ name, outputs }) => outputs[0] === layer || name === layer) ??
    graph.nodes.find(({ outputs }) => outputs[0] === alike);
  if (!node)
    throw new InvalidInputError(
      `--at ${text}: the model has no layer '${layer}'; nearest are ${nearestNames(
        layer,
        graph.nodes.map(({ outputs }) => outputs[0]!),
      )}`,
    );
  const tensor = node.outputs[0]!;
  const { shape } = graph.tensors.get(tensor)!;
  const given = (numbers!.match(/\d+/g) ?? []).map(Number);
  const index = given.length === shape.length - 1 ? [0, ...given] : given;
  if (index.length !== shape.length || index.some((i, d) => i >= shape[d]!))
    throw new InvalidInputError(
      `--at ${text}: '${tensor}' is [${shape.join(', ')}] (NCHW) and has no such element; an element is ${form}`,
    );
  return { tensor, index };
}

/** The place of an element in memory, NCHW. */
function flatIndex(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, d) => flat * shape[d]! + i, 0);
}

/** Two computations of a model, and what the causes that were found for the layer give. */
export interface TwoSides {
  readonly reference: ReadonlyMap<string, ElementData>;
  readonly theirs: ReadonlyMap<string, ElementData>;
  readonly reproduced?: (element: number) => number;
}

/** One element of two computations of a model, from their operands as far as they have them. */
export function elementAt(bound: BoundEngine, { tensor, index }: ElementAddress, sides: TwoSides): ElementAnalysis {
  const { graph, engine } = bound;
  const ours = valuesOf(bound, sides.reference);
  const others = valuesOf(bound, sides.theirs, ours);
  const node = graph.nodes.find(({ outputs }) => outputs[0] === tensor)!;
  const known = (values: Values) =>
    new Map(
      operandsOf(node, bound.context).flatMap((name) => {
        const data = values(name);
        return data ? [[name, data] as const] : [];
      }),
    );
  const flat = flatIndex(index, graph.tensors.get(tensor)!.shape);
  const valueOf = (data: ElementData | undefined): number | undefined => data && Number(data[flat]);
  const [theirs, reference] = [valueOf(sides.theirs.get(tensor)), valueOf(ours(tensor))];
  return analyzeElement({
    graph,
    engine,
    tensor,
    index,
    operands: known(others),
    referenceOperands: known(ours),
    ...(theirs === undefined ? {} : { theirs }),
    ...(reference === undefined ? {} : { reference }),
    ...(sides.reproduced ? { explained: sides.reproduced(flat) } : {}),
  });
}
