import { InvalidInputError } from './errors.ts';
import type { ElementType, Graph, TensorInfo } from './graph/graph.ts';
import { isRecord, kindOf, listOf } from './kind_of.ts';
import { Tensor } from './tensor.ts';

/** A tensor, or what has its members: one of onnxruntime's, say. */
export interface Fed {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
  readonly location?: string;
  readonly gpuBuffer?: unknown;
}

/** What a model is fed, by the names of its inputs, or by what its file's signature calls them. */
export type Feeds = Readonly<Record<string, Fed>>;

/** Tensors that were checked. */
export type Tensors = Readonly<Record<string, Tensor>>;

function tensorOf(fed: Fed): Tensor {
  const type = fed.type as ElementType;
  if (fed.location === 'gpu-buffer')
    return Tensor.fromGpuBuffer(fed.gpuBuffer as Tensor['gpuBuffer'], { dataType: type, dims: fed.dims });
  return new Tensor(type, fed.data as never, fed.dims);
}

/** The tensor of a name: its own, or a signature's. */
export const tensorNamed = (name: string, own: readonly string[], called?: ReadonlyMap<string, string>): string =>
  own.includes(name) ? name : (called?.get(name) ?? name);

/**
 * The tensors that a caller feeds, by their own names, each as it is at this moment: what the caller does to the objects later does not
 * matter. Their elements are not copied.
 *
 * @throws InvalidInputError for what is no tensor, or none any more: its array transferred, its dims of other data; for
 * one that is fed twice
 */
export function tensorsOf(
  feeds: Feeds,
  { inputs, signature }: Pick<Graph, 'inputs' | 'signature'>,
): Record<string, Tensor> {
  if (!isRecord(feeds)) throw new InvalidInputError(`tensors by name are needed, got ${kindOf(feeds)}`);
  const own = inputs.map(({ name }) => name);
  const names = Object.keys(feeds).map((name) => tensorNamed(name, own, signature?.inputs));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new InvalidInputError(`input ${kindOf(twice)} is fed twice, by two of its names`);
  const taken = Object.entries(feeds).map(([name, tensor], i) => {
    if (!isRecord(tensor)) throw new InvalidInputError(`input ${kindOf(name)} is no tensor, but ${kindOf(tensor)}`);
    try {
      return [names[i]!, tensorOf(tensor)] as const;
    } catch (error) {
      throw new InvalidInputError(`input ${kindOf(name)}: ${(error as Error).message}`, { cause: error });
    }
  });
  return Object.fromEntries(taken);
}

/** @throws InvalidInputError unless there is every input, no other, each of its type and shape */
export function checkFeeds(inputs: readonly TensorInfo[], feeds: Tensors): void {
  const names = inputs.map((input) => input.name);
  const unknown = Object.keys(feeds).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new InvalidInputError(`the model has no input ${kindOf(unknown)}; its inputs: ${names.join(', ')}`);
  for (const { name, type, shape } of inputs) {
    const feed = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (!feed) throw new InvalidInputError(`input '${name}' is missing; the model's inputs: ${names.join(', ')}`);
    if (feed.type !== type) throw new InvalidInputError(`input '${name}' is ${feed.type}; the model takes ${type}`);
    if (feed.dims.length !== shape.length || feed.dims.some((d, i) => d !== shape[i]))
      throw new InvalidInputError(`input '${name}' has shape ${listOf(feed.dims)}; the model takes ${listOf(shape)}`);
  }
}

/** The index of the first NaN, or -1: without a call an element, for every inference asks. */
export function firstNaN(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return i;
  return -1;
}

/** @throws InvalidInputError always: no engine quantizes NaN to anything defined */
export function refuseNaN(name: string, at: number): never {
  throw new InvalidInputError(`input '${name}' holds NaN at element ${at}, which cannot be quantized`);
}
