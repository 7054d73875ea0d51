import type { TensorInfo } from '../../src/graph/graph.ts';
import { operatorOf } from '../../src/layers/infer.ts';
import { valuesOfBytes, type RecipeName } from '../../src/recipes.ts';
import { keyOfFloat } from '../../src/requantize/float_keys.ts';
import { whole } from './array.ts';
import type { Described, LayerVectors } from './layer_vectors.ts';

const CHANNELS = 3;
const BYTES = 256;

/**
 * The quantization of a picture, from its bytes on: the recipe's normalisation and the quantization as one table a channel.
 * All 256 bytes of each are computed, so that there is nothing left to prove.
 *
 * @param info the network's input
 * @param data its values
 * @returns nothing where the layer or the recipe is of another kind; no pixels where the values are those of no bytes
 */
export function pixelVectors(
  info: TensorInfo,
  data: ArrayLike<number | bigint>,
  recipe: RecipeName,
  { node, context }: Pick<Described, 'node' | 'context'>,
): Pick<LayerVectors, 'arrays' | 'formulas'> | undefined {
  const layer = operatorOf(node).layer(node, context);
  const values = valuesOfBytes(recipe);
  const [batch, channels, height, width] = info.shape;
  if (layer.kind !== 'quantize' || layer.tail || !values || info.shape.length !== 4) return undefined;
  if (batch !== 1 || channels !== CHANNELS) return undefined;
  const code = layer.functions.at(0);
  const type = layer.writes.type as 'uint8' | 'int8';
  const codes = values.flatMap((row) => Array.from(row, (value) => code(keyOfFloat(value))));
  const table = whole(type, type === 'uint8' ? Uint8Array.from(codes) : Int8Array.from(codes), [CHANNELS, BYTES]);
  const pixels = bytesOf(data, values, height! * width!);
  return {
    formulas: [
      `of pixels, bytes in the order RGB (${pixels ? '`pixels`, ' : ''}as the recipe ${recipe} leaves them): output = ` +
        'pixel_table[channel][byte], normalised and quantized in one; all 256 bytes of each channel are computed as the engine does',
    ],
    arrays: { pixel_table: table, ...(pixels && { pixels: whole('uint8', pixels, info.shape) }) },
  };
}

/** The byte that each value was; undefined where one was none. */
function bytesOf(
  data: ArrayLike<number | bigint>,
  values: readonly ArrayLike<number>[],
  plane: number,
): Uint8Array | undefined {
  const bytes = values.map((row) => new Map(Array.from(row, (value, byte) => [value, byte])));
  const found = Array.from(data, (value, i) => bytes[Math.floor(i / plane)]!.get(Number(value)));
  return found.includes(undefined) ? undefined : Uint8Array.from(found as number[]);
}
