import { InvalidInputError } from '../../src/errors.ts';
import { DYNAMIC, type Graph, type TensorInfo } from '../../src/graph/graph.ts';
import { normalized } from '../compare/array_names.ts';
import { openNpz } from '../numpy/npz.ts';
import type { Shapes } from '../worker/remote.ts';
import { readArrays } from './feeds.ts';
import { readInput } from './files.ts';

/** Options that say how large inputs are. */
export interface ShapeOptions {
  readonly size?: readonly [height: number, width: number];
  readonly input?: string;
  readonly image?: string;
  /** A trace has its input. */
  readonly against?: string | readonly string[];
  readonly theirs?: string;
}

/**
 * The shapes of inputs of which a model leaves more open than the batch: what the command says, else those of the arrays that
 * it names, else what a picture becomes.
 *
 * @param recipeSize height and width of prepared pictures, where they are known
 * @throws InvalidInputError where nothing says them
 */
export async function openShapes(
  graph: Graph,
  options: ShapeOptions,
  recipeSize?: readonly [number, number],
): Promise<Shapes> {
  const open = graph.inputs.filter(({ shape }) => shape.slice(1).includes(DYNAMIC));
  if (open.length === 0) return {};
  const { size = options.image === undefined ? undefined : recipeSize } = options;
  const arrays = size ? undefined : await shapesOfArrays(graph, options);
  return Object.fromEntries(
    open.map((input) => [input.name, size ? ofSize(input, size) : (arrays?.get(input.name) ?? refuse(input))]),
  );
}

function refuse({ name, shape }: TensorInfo): never {
  const wanted = shape.map((d) => (d === DYNAMIC ? '?' : d)).join(', ');
  throw new InvalidInputError(
    `the model leaves the shape of its input '${name}' open, [${wanted}], and nothing says it: ` +
      '--input, a trace that has it, or --size 224x224',
  );
}

function ofSize(input: TensorInfo, [height, width]: readonly [number, number]): readonly number[] {
  const [batch, channels] = input.shape;
  if (input.shape.length !== 4 || channels === DYNAMIC) return refuse(input);
  return [batch === DYNAMIC ? 1 : batch!, channels!, height, width];
}

/** By the inputs' names, of those that the arrays have. */
async function shapesOfArrays(
  graph: Graph,
  { input, against, theirs }: ShapeOptions,
): Promise<ReadonlyMap<string, readonly number[]>> {
  if (input !== undefined) {
    const arrays = await readArrays(graph, input);
    return new Map(graph.inputs.map(({ name }, i) => [name, arrays[i]!.shape]));
  }
  const found = new Map<string, readonly number[]>();
  for (const file of [against, theirs].filter((file) => typeof file === 'string' && /\.npz$/i.test(file))) {
    const npz = openNpz(await readInput(file as string));
    for (const { name, shape } of graph.inputs) {
      const array = npz.names.find((other) => normalized(other) === normalized(name));
      if (array === undefined || found.has(name)) continue;
      const given = npz.read(array).shape;
      found.set(name, given.length === shape.length - 1 ? [1, ...given] : given);
    }
  }
  return found;
}
