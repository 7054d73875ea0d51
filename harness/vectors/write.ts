import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { isByteType, type TensorInfo } from '../../src/graph/graph.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { writeWhole } from '../process/whole.ts';
import { contextOf } from '../../src/layers/infer.ts';
import type { RecipeName } from '../../src/recipes.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { referenceTensors } from '../../src/plan/reference.ts';
import type { Tensor } from '../../src/tensor.ts';
import { channelsLast, fitted, tiled, whole, type Order, type VectorArray } from './array.ts';
import { layerTable } from './c_table.ts';
import type { VectorFormat } from './formats/index.ts';
import { layerVectors } from './describe_layer.ts';
import type { LayerVectors } from './layer_vectors.ts';
import {
  CONVENTIONS,
  MANIFEST,
  MANIFEST_VERSION,
  type ChannelWords,
  type Manifest,
  type ManifestArray,
  type ManifestFile,
  type ManifestLayer,
  type ManifestTensor,
  type Origin,
} from './manifest.ts';
import { fileNames } from './names.ts';
import { busWords, channelWords } from './packed.ts';
import { pixelVectors } from './pixels.ts';
import { readme } from './readme.ts';
import { hasParameters, verilogParameters } from './verilog.ts';

export interface VectorOptions {
  readonly plan: Plan;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The folder to write: new or empty. */
  readonly out: string;
  /** Names of the tensors that the layers compute; all where it is left out. */
  readonly layers?: readonly string[];
  readonly formats: readonly VectorFormat[];
  readonly orders: readonly Order[];
  readonly accumulators: boolean;
  /** The most bits of a requantization multiplier. */
  readonly multiplierBits: number;
  /** Of the words that hold activations and weights in texts: a multiple of 8; default 8. */
  readonly wordBits?: number;
  /** Channels of a tile, in the order `tiled`; default: as many as a word holds. */
  readonly tile?: number;
  /** How pictures are prepared, where that is known. */
  readonly recipe?: RecipeName;
  readonly origin: Origin;
  /** Told of each layer before it is computed. */
  readonly progress?: (layer: string) => void;
}

/**
 * Writes a folder of vectors, tensor by tensor: each is written when it is computed, and then forgotten. The folder is
 * there when it is whole.
 *
 * @throws InvalidInputError where a layer does not exist or the folder is not empty or cannot be written
 */
export async function writeVectors(options: VectorOptions): Promise<Manifest> {
  await expectEmpty(options.out);
  return writeWhole(options.out, async (part) => {
    const manifest = await writeFolder(options, part);
    // only Windows does not put a folder in the place of an empty one
    await rmdir(options.out).catch(() => undefined);
    return manifest;
  });
}

async function writeFolder(options: VectorOptions, out: string): Promise<Manifest> {
  const { plan, formats, orders, wordBits = 8, tile = wordBits / 8 } = options;
  const { graph, engine } = plan;
  const context = contextOf(graph, graph.tensors, engine);
  const nodes = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  const wanted = wantedLayers([...nodes.keys()], options.layers);
  const names = fileNames(graph.tensors.keys());

  const described = new Map<string, LayerVectors>();
  for (const name of wanted) described.set(name, layerVectors(nodes.get(name)!, context, options.multiplierBits));
  for (const [name, layer] of described) described.set(name, withPixels(layer));
  const needed = new Set([...described.values()].flatMap(({ name, inputs }) => [name, ...inputs]));

  /** A layer that quantizes a picture, from its bytes on. */
  function withPixels(layer: LayerVectors): LayerVectors {
    const input = graph.inputs.find(({ name }) => name === layer.inputs[0]);
    const node = nodes.get(layer.name)!;
    const { recipe, feeds } = options;
    const more = input && recipe && pixelVectors(input, feeds[input.name]!.data, recipe, { node, context });
    if (!more) return layer;
    return {
      ...layer,
      formulas: [...layer.formulas, ...more.formulas],
      arrays: { ...layer.arrays, ...more.arrays },
    };
  }

  /** In an order of memory, and what that is called. */
  const ordered = (array: VectorArray, order: Order, layout: string, fill: number): [VectorArray, string] => {
    if (order === 'nchw') return [array, layout];
    return order === 'nhwc' ? [channelsLast(array), lastLayout(layout)] : [tiled(array, tile, fill), `${layout}c`];
  };
  const write = async (
    array: VectorArray,
    path: string,
    layout: string,
    title: string,
    fill = 0,
  ): Promise<ManifestArray> => {
    const { type, bits, signed, shape } = array;
    const files: ManifestFile[] = [];
    const layouts: [VectorArray, string | undefined][] =
      shape.length === 4 ? orders.map((order) => ordered(array, order, layout, fill)) : [[array, undefined]];
    for (const [words, layout] of layouts)
      for (const { name, extension, encode } of formats) {
        const base = layout ? `${path}.${layout}` : path;
        const wide = `${shape.join(' x ')} words of ${bits} bits${signed ? ', signed' : ''}`;
        const identifier = base
          .replace(/^\w+\//, '')
          .replaceAll(/\W/g, '_')
          .replace(/^(?=\d)/, '_');
        const isBus = layout !== undefined && bits === 8 && wordBits > 8 && TEXTS.has(name);
        const each = { ...words, title: `${title}${layout ? `, ${layout}` : ''}: ${wide}`, identifier };
        const content = encode(isBus ? busWords(each, wordBits) : each);
        const file = `${base}${extension}`;
        files.push({
          path: file,
          format: name,
          ...(layout ? { layout } : {}),
          shape: words.shape,
          ...(isBus ? { wordBits } : {}),
          ...(await writePieces(join(out, file), content)),
        });
      }
    return { type, bits, signed, shape, words: array.data.length, files };
  };

  const writeChannelWords = async (layer: LayerVectors, folder: string): Promise<ChannelWords | undefined> => {
    const texts = formats.filter(({ name }) => TEXTS.has(name));
    if (texts.length === 0) return undefined;
    const { fields, bus } = channelWords(
      CHANNEL_FIELDS.flatMap((key) => (layer.arrays[key] ? [[key, layer.arrays[key]] as const] : [])),
    );
    const files: ManifestFile[] = [];
    for (const { name, extension, encode } of texts) {
      const path = `${folder}/channels${extension}`;
      const title = `${layer.name}: one word of ${bus.bits} bits a channel: ${fields.map(({ name }) => name).join(', ')}`;
      const content = encode({ ...layer.arrays['bias']!, bus, title, identifier: 'channels' });
      files.push({
        path,
        format: name,
        shape: [bus.count],
        wordBits: bus.bits,
        ...(await writePieces(join(out, path), content)),
      });
    }
    return { bits: bus.bits, words: bus.count, fields, files };
  };

  const tensors: ManifestTensor[] = [];
  const layers: ManifestLayer[] = [];
  const remaining = new Set(needed);
  options.progress?.(graph.inputs[0]!.name);
  for (const { name, shape, data, accumulators } of referenceTensors(plan, options.feeds)) {
    const info = context.info(name);
    if (needed.has(name)) {
      const zero = info.quantization?.zeroPoint[0];
      const array = await write(activation(info, data), `tensors/${names.get(name)!}`, 'nchw', name, zero);
      tensors.push({ ...array, name, ...quantizationOf(info) });
    }
    const layer = described.get(name);
    if (layer) {
      options.progress?.(name);
      const arrays: Record<string, ManifestArray> = {};
      const folder = `layers/${names.get(name)!}`;
      for (const [key, array] of Object.entries(layer.arrays))
        arrays[key] = await write(array, `${folder}/${key}`, key === 'weights' ? 'oihw' : 'nchw', `${name} ${key}`);
      if (options.accumulators && accumulators && layer.accumulation) {
        const sums = { ...fitted('int32', accumulators, shape), bits: layer.accumulation.bits };
        arrays['accumulators'] = await write(sums, `${folder}/accumulators`, 'nchw', `${name} accumulators`);
      }
      const channelWords = layer.requantization && (await writeChannelWords(layer, folder));
      layers.push({ ...layer, arrays, ...(channelWords ? { channelWords } : {}) });
    }
    remaining.delete(name);
    if (remaining.size === 0) break;
  }

  const made = { name: engine.name, description: engine.description };
  const manifest: Manifest = {
    schemaVersion: MANIFEST_VERSION,
    ...options.origin,
    engine: made,
    semantics: made,
    conventions: CONVENTIONS,
    formats: Object.fromEntries(formats.map(({ name, description }) => [name, description])),
    orders,
    inputs: graph.inputs.map(({ name }) => name),
    outputs: graph.outputs,
    tensors,
    layers,
  };
  const extra = (path: string, text: string): Promise<unknown> => writePieces(join(out, path), [text]);
  await extra(MANIFEST, `${JSON.stringify(manifest, undefined, 1)}\n`);
  await extra('README.md', readme(manifest));
  if ('bin' in manifest.formats && orders.includes('nchw')) await extra('network.h', layerTable(manifest));
  if ('hex' in manifest.formats)
    for (const layer of layers.filter(hasParameters))
      await extra(`layers/${names.get(layer.name)!}/parameters.vh`, verilogParameters(manifest, layer));
  return manifest;
}

/** Formats that are texts of words, which may be as wide as a bus. */
const TEXTS: ReadonlySet<string> = new Set(['hex', 'coe', 'mif']);

/** What is in the word of a channel, the first in its lowest bits. */
const CHANNEL_FIELDS = ['weight_zero_point', 'bias', 'multiplier', 'offset', 'shift', 'exact'];

const lastLayout = (layout: string): string => (layout === 'oihw' ? 'ohwi' : 'nhwc');

function wantedLayers(all: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  if (!asked) return all;
  for (const name of asked)
    if (!all.includes(name))
      throw new InvalidInputError(`no layer is called '${name}'; nearest are ${nearestNames(name, all)}`);
  return all.filter((name) => asked.includes(name));
}

function activation(info: TensorInfo, data: VectorArray['data']): VectorArray {
  if (isByteType(info.type) || info.type === 'float32') return whole(info.type, data, info.shape);
  throw new InvalidInputError(`no vectors are written for the ${info.type} tensor ${info.name}`);
}

function quantizationOf({ quantization }: TensorInfo): { scale?: number; zeroPoint?: number } {
  return quantization ? { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! } : {};
}

async function expectEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new InvalidInputError(`cannot write ${folder}: ${error.message}`);
  });
  if (entries.length > 0) throw new InvalidInputError(`${folder} is not empty: name a new folder`);
}

/** Writes a file piece by piece, and says how long it is and its SHA-256. */
async function writePieces(
  path: string,
  pieces: Iterable<string | Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx');
  try {
    for (const piece of pieces) {
      const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece;
      hash.update(buffer);
      bytes += buffer.length;
      await file.writeFile(buffer);
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
