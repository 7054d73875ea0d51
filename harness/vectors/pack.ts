import { join } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { elementCount, isByteType, newElementData } from '../../src/graph/graph.ts';
import type { NpyArray } from '../numpy/npy.ts';
import { writeNpz } from '../numpy/npz.ts';
import { transposed } from '../numpy/transposed.ts';
import { withoutTiles, type Order } from './array.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { hexWords } from './hex_words.ts';
import { MANIFEST, MANIFEST_VERSION, type Manifest, type ManifestTensor } from './manifest.ts';
import { readInput } from '../cli/files.ts';

/** What an implementation computed: names of arrays, and the .npz file (NCHW) of them. */
interface Packed {
  readonly names: readonly string[];
  readonly npz: Uint8Array<ArrayBuffer>;
}

/**
 * @param pairs each `tensor=file`, the file being in $writememh's format
 * @param folder that `exact8 vectors` wrote
 * @throws InvalidInputError
 */
export async function pack(pairs: readonly string[], folder: string, order: Order): Promise<Packed> {
  const manifest = await readManifest(folder);
  const arrays: [string, NpyArray][] = [];
  for (const pair of pairs) {
    const [, name, path] = /^(.+?)=(.+)$/.exec(pair) ?? [];
    if (name === undefined || path === undefined) throw new InvalidInputError(`${pair}: TENSOR=FILE is needed`);
    const tensor = manifest.tensors.find((tensor) => tensor.name === name);
    if (!tensor)
      throw new InvalidInputError(
        `no tensor is called '${name}'; nearest are ${nearestNames(
          name,
          manifest.tensors.map(({ name }) => name),
        )}`,
      );
    arrays.push([name, packHex(new TextDecoder().decode(await readInput(path)), tensor, order, path)]);
    if (tensor.scale !== undefined)
      arrays.push([`${name}:qparams`, { shape: [2], data: Float64Array.of(tensor.scale, tensor.zeroPoint!) }]);
  }
  return { names: arrays.map(([name]) => name), npz: writeNpz(arrays) };
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  const text = new TextDecoder().decode(await readInput(path));
  const refuse = (why: string): never => {
    throw new InvalidInputError(`${path}: ${why}`);
  };
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text) as Manifest;
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (manifest?.schemaVersion !== MANIFEST_VERSION || !Array.isArray(manifest.tensors))
    return refuse(`not a manifest of version ${MANIFEST_VERSION}`);
  return manifest;
}

/**
 * The 8-bit values of a $writememh file as an array in NCHW; words hold one or more.
 *
 * @throws InvalidInputError where a word is not one (as x, which was never computed), or there are not as many as needed
 */
export function packHex(text: string, tensor: ManifestTensor, order: Order, path: string): NpyArray {
  const { type, shape } = tensor;
  if (!isByteType(type)) throw new InvalidInputError(`${path}: '${tensor.name}' is ${type}; supported: uint8, int8`);
  const layout = order === 'tiled' ? tensor.files.find(({ layout }) => layout === 'nchwc')?.shape : shape;
  if (!layout) throw new InvalidInputError(`${path}: '${tensor.name}' was not written in tiles: say its --order`);
  const count = elementCount(layout);
  const words = hexWords(text, path, count);
  if (words.length !== count)
    throw new InvalidInputError(
      `${path}: ${words.length} words, '${tensor.name}' has ${count} elements${order === 'tiled' ? ', what fills tiles with them' : ''}`,
    );
  const data: Uint8Array | Int8Array = newElementData(type, count);
  data.set(words as never);
  const [, channels = 1, height = 1, width = 1] = shape;
  const nchw = {
    nchw: () => data,
    nhwc: () => transposed(data, height * width, channels),
    tiled: () => withoutTiles(data, layout, channels),
  }[order]();
  return { shape, data: nchw as NpyArray['data'] };
}
