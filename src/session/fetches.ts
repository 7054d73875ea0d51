import { InvalidInputError } from '../errors.ts';
import { tensorNamed } from '../feeds.ts';
import type { Graph } from '../graph/graph.ts';
import type { Fetches } from '../gpu/executable.ts';
import { isRecord, kindOf, listOf } from '../kind_of.ts';
import type { Plan } from '../plan/steps.ts';
import type { OutputLocation } from './options.ts';
import { Tensor } from '../tensor.ts';

/** Outputs that are wanted: their names or a signature's, or tensors to be written by these; null: a new one. */
export type Fetched = readonly string[] | Readonly<Record<string, Tensor | null>>;

/**
 * Which outputs are fetched, and where to.
 *
 * @param located where an output is left that the caller has no tensor for
 * @throws InvalidInputError for an output that there is not, or a tensor of another type or shape
 */
export function fetchesOf(
  { graph, tensors }: Plan,
  fetched: Fetched | undefined,
  located: (name: string) => OutputLocation,
): Fetches {
  const given = isRecord(fetched) ? fetched : {};
  // of holes in a list there is undefined
  const asked = isRecord(fetched) ? Object.keys(fetched) : Array.from(fetched ?? graph.outputs);
  const names = asked.map((name) => tensorNamed(name, graph.outputs, graph.signature?.outputs));
  if (names.length === 0) throw new InvalidInputError('no output is fetched; leave out the names to fetch all');
  const unknown = names.find((name) => !graph.outputs.includes(name));
  if (unknown !== undefined)
    throw new InvalidInputError(`the model has no output ${kindOf(unknown)}; its outputs: ${graph.outputs.join(', ')}`);
  return new Map(
    names.map((name, i): [string, OutputLocation | GPUBuffer] => {
      const tensor = given[asked[i]!] ?? null;
      if (tensor === null) return [name, located(name)];
      const { type, shape } = tensors.get(name)!;
      if (!(tensor instanceof Tensor))
        throw new InvalidInputError(`output ${kindOf(name)} is written into a Tensor; got ${kindOf(tensor)}`);
      if (tensor.type !== type || listOf(tensor.dims) !== listOf(shape))
        throw new InvalidInputError(
          `output '${name}' is ${type} ${listOf(shape)}; the tensor for it is ${tensor.type} ${listOf(tensor.dims)}`,
        );
      return [name, tensor.location === 'gpu-buffer' ? tensor.gpuBuffer : 'cpu'];
    }),
  );
}

/** Outputs by the names that they are wanted by, those that the caller has tensors for in them. */
export function fill(
  outputs: Readonly<Record<string, Tensor>>,
  fetched: Fetched,
  { outputs: own, signature }: Pick<Graph, 'outputs' | 'signature'>,
): Record<string, Tensor> {
  const madeFor = (name: string): Tensor => outputs[tensorNamed(name, own, signature?.outputs)]!;
  if (!isRecord(fetched)) return Object.fromEntries(Array.from(fetched, (name) => [name, madeFor(name)]));
  return Object.fromEntries(
    Object.entries(fetched).map(([name, tensor]) => {
      const made = madeFor(name);
      if (tensor && made) tensor.data.set(made.data as never);
      return [name, tensor ?? made];
    }),
  );
}
