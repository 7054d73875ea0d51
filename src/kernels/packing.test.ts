import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';
import type { Pairs } from '../engines/engine.ts';
import { onnxruntime } from '../engines/onnxruntime.ts';
import { BLANK, productsOf, saturatingNeighbours } from '../engines/pairs.ts';
import { isLinear } from '../layers/layer.ts';
import { stagesOf } from '../plan/stages.ts';
import { packBlock } from './block_weights.ts';
import { codeGeometry } from './geometry.ts';
import type { LinearLayer } from './linear.ts';
import {
  dotCorrections,
  packDepthwiseWeights,
  packDotWeights,
  packGroupedWeights,
  packPairs,
  signedZeroPoint,
} from './packing.ts';

function layerOf(small: Parameters<typeof smallLayer>[0]): LinearLayer {
  const [layer] = stagesOf(smallLayer(small, 3).graph, { engine: onnxruntime }).layers;
  if (!layer || !isLinear(layer)) throw new Error('no layer with weights');
  return layer;
}

/** A window of input values of one output: [tap][input channel of the group]. */
function windowOf({ layer }: LinearLayer, random: Random): number[][] {
  const [least, most] = layer.input.type === 'uint8' ? [0, 255] : [-128, 127];
  return Array.from({ length: layer.kernel[0] * layer.kernel[1] }, () =>
    Array.from({ length: layer.inputChannels / layer.groups }, () => random.integer(least!, most!)),
  );
}

/** sum((x - zx) * (w - zw)), from the raw weights. */
function sumOf({ layer, weights }: LinearLayer, window: readonly number[][], o: number): number {
  const perGroup = layer.inputChannels / layer.groups;
  const zero = layer.weightZeroPoint[layer.weightZeroPoint.length === 1 ? 0 : o]!;
  return window.reduce(
    (sum, values, tap) =>
      values.reduce(
        (all, x, c) => all + (x - layer.input.zeroPoint) * (weights[(o * perGroup + c) * window.length + tap]! - zero),
        sum,
      ),
    0,
  );
}

type Sum = (layer: LinearLayer, window: readonly number[][], o: number, packed: readonly ArrayBufferView[]) => number;

const signedByte = (word: number, lane: number): number => ((word >>> (8 * lane)) << 24) >> 24;

/** Dot products of signed bytes, as shaders/pointwise.wgsl and conv.wgsl sum them. */
const dot: Sum = ({ layer, output }, window, o, [packed, corrections]) => {
  const words = Math.ceil(layer.inputChannels / layer.groups / 4);
  const zx = signedZeroPoint(layer.input.type, layer.input.zeroPoint);
  let [sum, ones] = [0, 0];
  for (const [tap, values] of window.entries())
    for (let c = 0; c < words * 4; c++) {
      const x = c < values.length ? signedZeroPoint(layer.input.type, values[c]!) : zx;
      const at = ((tap * words + (c >> 2)) * output.groups + (o >> 2)) * 4 + (o & 3);
      sum += x * signedByte((packed as Uint32Array)[at]!, c & 3);
      ones += x;
    }
  const at = (o >> 2) * 8 + (o & 3);
  const [offset, zero] = [(corrections as Int32Array)[at]!, (corrections as Int32Array)[at + 4]!];
  return sum + offset - zero * ones;
};

const depthwise: Sum = (layer, window, o, [packed]) =>
  window.reduce(
    (sum, [x], tap) =>
      sum + (x! - layer.layer.input.zeroPoint) * (packed as Int32Array)[tap * layer.output.groups * 4 + o]!,
    0,
  );

const grouped: Sum = ({ layer }, window, o, [packed]) => {
  const perGroup = window[0]!.length;
  return window.reduce(
    (sum, values, tap) =>
      values.reduce(
        (all, x, c) =>
          all + (x - layer.input.zeroPoint) * (packed as Int32Array)[(o * window.length + tap) * perGroup + c]!,
        sum,
      ),
    0,
  );
};

/** Products in the order of their slots, without the overflow of pairs, as shaders/conv_pairs.wgsl lists them. */
const pairs: Sum = ({ layer, output }, window, o, [packed, corrections, places]) => {
  let sum = (corrections as Int32Array)[o]!;
  for (let slot = 0; slot * 4 < (places as Int32Array).length; slot++) {
    const [ky, kx, c] = (places as Int32Array).subarray(slot * 4);
    const x = window[ky! * layer.kernel[1] + kx!]![c!]!;
    sum += x * (packed as Int32Array)[slot * output.groups * 4 + o]!;
  }
  return sum;
};
/** Each pair of products that are 8 apart, in blocks of 16. */
const distant = (layer: LinearLayer): Pairs => {
  const count = productsOf(layer.layer);
  const slots = Int32Array.from({ length: Math.ceil(count / 16) * 16 }, (_, slot) => {
    const product = slot - (slot % 16) + ((slot % 16) >> 1) + 8 * (slot % 2);
    return product < count ? product : BLANK;
  });
  return { slots, overflow: 'saturates', outside: 'zero point' };
};

/** The depthwise layer of a block: bytes and an offset a channel. */
const block: Sum = (layer, window, o, [data]) => {
  const words = new Int32Array((data as Uint32Array).buffer);
  const { starts, offsets } = packBlock({ kind: 'block', depthwise: layer, project: layer } as never);
  const stride = Math.ceil(window.length / 4) * 4;
  const at = starts.depthwise_corrections * 4 + (o >> 2) * (offsets ? 8 : 4) + (o & 3);
  const zero = layer.layer.input.zeroPoint - codeGeometry(layer).input_zero;
  return window.reduce((sum, [x], tap) => {
    const w = signedByte(words[starts.depthwise_weights * 4 + (o >> 2) * stride + tap]!, o & 3);
    return sum + (x! - zero) * (w + (offsets ? words[at + 4]! : 0));
  }, words[at]!);
};

const LAYERS = {
  full: { channels: [5, 6], stride: 1 },
  unsigned: { channels: [5, 6], stride: 1, weightType: 'uint8', weightZero: 100 },
  depthwise: { channels: [6, 6], stride: 1, depthwise: true },
  'depthwise with an offset': { channels: [6, 6], stride: 1, depthwise: true, weightZero: -100 },
} as const;

const PACKINGS: readonly [string, keyof typeof LAYERS, Sum, (layer: LinearLayer) => readonly ArrayBufferView[]][] = [
  ['packDotWeights', 'full', dot, (layer) => [packDotWeights(layer), dotCorrections(layer).corrections]],
  ['packDotWeights', 'unsigned', dot, (layer) => [packDotWeights(layer), dotCorrections(layer).corrections]],
  ['packDepthwiseWeights', 'depthwise', depthwise, (layer) => [packDepthwiseWeights(layer)]],
  ['packGroupedWeights', 'unsigned', grouped, (layer) => [packGroupedWeights(layer)]],
  ['packPairs', 'full', pairs, (layer) => Object.values(packPairs(layer, saturatingNeighbours(layer.layer)))],
  ['packPairs', 'full', pairs, (layer) => Object.values(packPairs(layer, distant(layer)))],
  ['packBlock', 'depthwise', block, (layer) => [packBlock({ depthwise: layer, project: layer } as never).data]],
  [
    'packBlock',
    'depthwise with an offset',
    block,
    (layer) => [packBlock({ depthwise: layer, project: layer } as never).data],
  ],
];

/** The first output whose sum over packed weights is another than over raw ones. */
function faultOf(name: string, layer: LinearLayer, sum: Sum, packed: readonly ArrayBufferView[]): string | undefined {
  const random = new Random(5);
  for (let o = 0; o < layer.layer.outputChannels; o++) {
    const window = windowOf(layer, random);
    const [got, wanted] = [sum(layer, window, o, packed), sumOf(layer, window, o)];
    if (got !== wanted) return `${name}: channel ${o} sums to ${got}, not ${wanted}`;
  }
  return undefined;
}

describe.each(PACKINGS)('%s of a layer: %s', (name, small, sum, pack) => {
  const layer = layerOf(LAYERS[small]);
  it('sums to what the raw weights sum to', () => expect(faultOf(name, layer, sum, pack(layer))).toBeUndefined());
  it('a planted bit is found, and named', () => {
    const packed = pack(layer);
    (packed[0] as Int32Array)[0]! ^= 4;
    expect(faultOf(name, layer, sum, packed)).toContain(`${name}: channel 0 sums to`);
  });
});
