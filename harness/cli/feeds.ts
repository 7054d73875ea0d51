import { InvalidInputError } from '../../src/errors.ts';
import { DYNAMIC, type ElementType, type Graph, type TensorInfo } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import { npyType, readNpy, type NpyArray, type NpyType } from '../numpy/npy.ts';
import { openNpz } from '../numpy/npz.ts';
import { readInput } from './files.ts';
import { sha256 } from './sha256.ts';

export type Feeds = Readonly<Record<string, Tensor>>;

const TYPES: Partial<Record<NpyType, ElementType>> = {
  '|u1': 'uint8',
  '|i1': 'int8',
  '<i4': 'int32',
  '<i8': 'int64',
  '<f4': 'float32',
};

/**
 * The model's inputs from FILE.npy, FILE.npz or FILE.npz:name. An .npz file without a name must hold an array with
 * each input's name, or, for a single input, hold only one array.
 *
 * @throws InvalidInputError where the arrays are not what the model takes.
 */
export async function readFeeds(graph: Graph, specification: string): Promise<Feeds> {
  const arrays = await readArrays(graph, specification);
  return Object.fromEntries(graph.inputs.map((input, i) => [input.name, toTensor(arrays[i]!, input)]));
}

/** The same as arrays, in the order of the inputs. */
export async function readArrays(graph: Graph, specification: string): Promise<NpyArray[]> {
  const [, path = specification, name] = /^(.+\.npz):(.+)$/i.exec(specification) ?? [];
  const bytes = await readInput(path);
  const single = graph.inputs.length === 1;
  if (!/\.npz$/i.test(path) || name !== undefined) {
    if (!single) throw new InvalidInputError(`the model has ${graph.inputs.length} inputs: give an .npz file of all`);
    return [name === undefined ? readNpy(bytes, path) : openNpz(bytes).read(name)];
  }
  const npz = openNpz(bytes);
  // by its own name, or by what the file's signature calls it
  const namesOf = ({ name }: TensorInfo): string[] => [
    name,
    ...[...(graph.signature?.inputs ?? [])].flatMap(([called, tensor]) => (tensor === name ? [called] : [])),
  ];
  const arrayName = (input: TensorInfo): string =>
    single && npz.names.length === 1
      ? npz.names[0]!
      : (namesOf(input).find((name) => npz.names.includes(name)) ?? input.name);
  return graph.inputs.map((input) => npz.read(arrayName(input)));
}

function toTensor({ shape, data }: NpyArray, input: TensorInfo): Tensor {
  const type = TYPES[npyType(data)];
  const fits = shape.length === input.shape.length && input.shape.every((d, i) => d === DYNAMIC || d === shape[i]);
  if (type !== input.type || !fits) {
    const wanted = input.shape.map((d) => (d === DYNAMIC ? 'any' : d)).join(', ');
    throw new InvalidInputError(
      `the input ${input.name} is ${input.type} [${wanted}], got ${npyType(data)} [${shape.join(', ')}]`,
    );
  }
  return new Tensor(type, data as Tensor['data'], shape);
}

/** The model's only input, which a picture is fed to. @throws InvalidInputError where there are several. */
export function pictureInput(inputs: readonly TensorInfo[]): TensorInfo {
  if (inputs.length !== 1) throw new InvalidInputError(`the model has ${inputs.length} inputs: use --input for it`);
  return inputs[0]!;
}

export function tensorBytes({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** SHA-256 of all elements, little-endian, in the order of the inputs; hexadecimal. */
export function inputHash(...feeds: readonly Feeds[]): string {
  return sha256(...feeds.flatMap((feed) => Object.values(feed).map(tensorBytes)));
}
