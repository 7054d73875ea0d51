import {
  byteRange,
  elementCount,
  newElementData,
  ofChannel,
  type ElementData,
  type TensorInfo,
} from '../../src/graph/graph.ts';
import type { Pairs, TensorQuantization } from '../../src/engines/engine.ts';
import { isLinear, makesBytes, type Layer, type LinearKind, type Requantizing } from '../../src/layers/layer.ts';
import { extent, pack, unpack } from '../../src/layers/layout.ts';
import { rawWeights, weightZero } from '../../src/layers/linear/weights.ts';
import { forEachWindow } from '../../src/layers/window.ts';
import { keyOfFloat } from '../../src/requantize/float_keys.ts';

type Numbers = Float32Array | Uint8Array | Int8Array;
type Operands = readonly Numbers[];

const least = ({ type }: TensorInfo): number => byteRange(type as 'uint8' | 'int8')[0];
const clamp16 = (x: number): number => Math.min(32767, Math.max(-32768, x));

/** [n, c, y, x] of an index in NCHW order. */
function coordinates(info: TensorInfo, index: number): [number, number, number, number] {
  const { channels, height, width } = extent(info);
  const plane = height * width;
  const row = Math.floor((index % plane) / width);
  return [Math.floor(index / plane / channels), Math.floor(index / plane) % channels, row, index % width];
}

/** An element of a tensor, of which dimensions of 1 are broadcast; undefined outside. */
function at(x: Numbers, info: TensorInfo, place: readonly number[]): number | undefined {
  const { batch, channels, height, width } = extent(info);
  const sizes = [batch, channels, height, width];
  const own = place.map((i, axis) => (sizes[axis] === 1 ? 0 : i));
  return x[((own[0]! * channels + own[1]!) * height + own[2]!) * width + own[3]!];
}

/** sum((x - zx) * (w - zw)) of one output, by pairs of products where the layer says so. */
function accumulate(layer: Layer<LinearKind>, [x]: Operands, index: number): number {
  const { layer: geometry, strides, dilations, input, accumulation } = layer;
  const [n, o, oy, ox] = coordinates(layer.writes, index);
  const perGroup = geometry.inputChannels / geometry.groups;
  const first = Math.floor(o / (geometry.outputChannels / geometry.groups)) * perGroup;
  const { zeroPoint } = geometry.input;
  const weights = rawWeights(layer, o);
  const values = Array.from(weights, (_, k) => {
    const tap = Math.floor(k / perGroup);
    const y = oy * strides[0] - geometry.pads[0] + Math.floor(tap / geometry.kernel[1]) * dilations[0];
    const column = ox * strides[1] - geometry.pads[1] + (tap % geometry.kernel[1]) * dilations[1];
    const inside = y >= 0 && y < input.height && column >= 0 && column < input.width;
    const channel = first + (k % perGroup);
    return inside ? x![((n * input.channels + channel) * input.height + y) * input.width + column]! : undefined;
  });
  if (accumulation === 'exact')
    return values.reduce<number>(
      (sum, v, k) => sum + ((v ?? zeroPoint) - zeroPoint) * (weights[k]! - weightZero(geometry, o)),
      0,
    );
  return pairedSum(accumulation, values, weights, geometry.input);
}

/** The definition of Pairs. @param values undefined outside of the input */
export function pairedSum(
  { slots, overflow, outside, rounds }: Pairs,
  values: readonly (number | undefined)[],
  weights: ArrayLike<number>,
  { type, zeroPoint }: TensorQuantization,
): number {
  const moved = (v: number): number => (overflow === 'wraps' && type === 'uint8' ? v - 128 : v);
  const round = rounds ? Math.fround : Number;
  const weight = (k: number): number => (outside === 'nothing' && values[k] === undefined ? 0 : (weights[k] ?? 0));
  const product = (k: number): number => moved(values[k] ?? zeroPoint) * weight(k);
  let sum = 0;
  for (let slot = 0; slot < slots.length; slot += 2) {
    const pair = product(slots[slot]!) + product(slots[slot + 1]!);
    sum += overflow === 'saturates' ? clamp16(pair) : Int16Array.of(pair)[0]!;
  }
  return round(sum) - round(moved(zeroPoint) * values.reduce<number>((all, _, k) => all + weight(k), 0));
}

function requantize(
  { functions, range }: Layer<'quantize'> | Requantizing<LinearKind>,
  channel: number,
  sum: number,
): number {
  const own = functions.channels === 1 ? 0 : channel;
  if (sum < range.lo[own]! || sum > range.hi[own]!) throw new Error(`${sum} is out of the range of channel ${channel}`);
  return functions.at(own)(sum);
}

function windows(
  layer: Layer<'max_pool' | 'average_pool'>,
  x: Numbers,
  f: (valueOf: ReadonlyMap<number, number>) => number,
): number[] {
  const { height, width, batch, channels } = extent(layer.reads[0]!);
  const result: number[] = [];
  const plane = layer.window.size[0] * layer.window.size[1];
  for (let p = 0; p < batch * channels; p++)
    forEachWindow(layer.window, [height, width], (output, places, elements) => {
      result[p * plane + output] = f(
        new Map(places.map((place, i) => [elements[i]!, x[p * height * width + place]!] as const)),
      );
    });
  return result;
}

function average(layer: Layer<'average_pool'>, valueOf: ReadonlyMap<number, number>): number {
  const { lines, length, lineStep, step } = layer.order;
  const sum = (values: number[]): number => values.reduce((total, v) => Math.fround(total + v), 0);
  const ofLine = (line: number): number[] =>
    Array.from({ length }, (_, along) => valueOf.get(line * lineStep + along * step)).flatMap((v) =>
      v === undefined ? [] : [layer.value(v)],
    );
  const sums = Array.from({ length: lines }, (_, line) => sum(ofLine(line)));
  return layer.output(layer.divisor(valueOf.size))(sum(sums));
}

function moved({ as, places, base, fill, reads, writes }: Layer<'move'>, x: Numbers): ElementData {
  const from = new (x.constructor as Uint8ArrayConstructor)(pack(x, reads[0]!).buffer);
  const { batch, height, width, groups } = extent(writes);
  const to = newElementData(writes.type, batch * height * width * groups * 4) as Uint8Array;
  const [rows, columns, channels] = [batch, batch + height, batch + height + width];
  for (let i = 0; i < to.length; i++) {
    const pixel = Math.floor(i / (groups * 4));
    const lists = [
      places[Math.floor(pixel / (height * width))]!,
      places[rows + (Math.floor(pixel / width) % height)]!,
      places[columns + (pixel % width)]!,
      places[channels + (i % (groups * 4))]!,
    ];
    const parts = as === 'listed' ? [places[i]!] : lists;
    to[i] = parts.some((part) => part < 0) ? fill : from[parts.reduce((sum, part) => sum + part, base)]!;
  }
  return unpack(new Uint8Array(to.buffer as ArrayBuffer), writes);
}

function concatenated(layer: Layer<'concat'>, operands: Operands, index: number): number {
  const place = coordinates(layer.writes, index);
  let [operand, inside] = [0, place[layer.coordinate]!];
  const lengthOf = (info: TensorInfo): number => {
    const { batch, channels, height, width } = extent(info);
    return [batch, channels, height, width][layer.coordinate]!;
  };
  while (inside >= lengthOf(layer.reads[operand]!)) inside -= lengthOf(layer.reads[operand++]!);
  return at(operands[operand]!, layer.reads[operand]!, place.with(layer.coordinate, inside))!;
}

/** An element of what a layer makes, as its own values say. */
function element(layer: Layer, operands: Operands, index: number): number {
  const { reads, writes } = layer;
  const [x] = operands;
  if (isLinear(layer)) {
    const sum = accumulate(layer, operands, index);
    return makesBytes(layer) ? requantize(layer, coordinates(writes, index)[1], sum) : sum;
  }
  switch (layer.kind) {
    case 'pair': {
      const { height, width, channels } = extent(writes);
      const place = coordinates(writes, index);
      const nhwc = ((place[0] * height + place[2]) * width + place[3]) * channels + place[1];
      const inTail = layer.tail?.ranges.some(([first, end]) => nhwc >= first && nhwc < end);
      const [a, b] = reads.map((info, i) => at(operands[i]!, info, place)! - least(info));
      return (inTail ? layer.tail!.codes : layer.codes)(a!, b!) + least(writes);
    }
    case 'scale': {
      const channel = coordinates(writes, index)[1];
      const sum = Math.fround(x![index]! - ofChannel(layer.zeros, channel));
      return Math.fround(sum * ofChannel(layer.scales, channel));
    }
    case 'add_float32': {
      const other = layer.constant ?? operands[1]!;
      return Math.fround(x![index]! + Number(other[layer.perChannel ? coordinates(writes, index)[1] : index]));
    }
    case 'global_average_pool': {
      const own = Array.from(x!.subarray(index * layer.pixels, (index + 1) * layer.pixels));
      const zero = reads[0]!.quantization!.zeroPoint[0]!;
      return layer.functions.at(0)(own.reduce((sum, v) => sum + v - zero, 0));
    }
    case 'table':
      return layer.values[x![index]! - least(reads[0]!)]!;
    case 'softmax': {
      const [n, , row, column] = coordinates(writes, index);
      const { channels } = extent(writes);
      const line = Array.from({ length: channels }, (_, c) => at(x!, reads[0]!, [n, c, row, column])!);
      const most = Math.max(...line);
      const { terms, output } = layer.functions;
      return output(most - x![index]!)(line.reduce((sum, v) => Math.fround(sum + terms[most - v]!), 0));
    }
    case 'concat':
      return concatenated(layer, operands, index);
    case 'quantize':
      return requantize(layer, 0, keyOfFloat(x![index]!));
    default:
      throw new Error(`no element of a ${layer.kind} by itself`);
  }
}

/** What a layer makes of its operands, all in NCHW, by the definition of each kind of layer and slowly. */
export function evaluateLayer(layer: Layer, operands: Operands): ElementData {
  const [x] = operands;
  const data = newElementData(layer.writes.type, elementCount(layer.writes.shape)) as Uint8Array;
  switch (layer.kind) {
    case 'view':
      return x!;
    case 'move':
      return moved(layer, x!);
    case 'max_pool':
      data.set(windows(layer, x!, (values) => Math.max(least(layer.writes), ...values.values())));
      return data;
    case 'average_pool':
      data.set(windows(layer, x!, (values) => average(layer, values)));
      return data;
    default:
      for (let i = 0; i < data.length; i++) data[i] = element(layer, operands, i);
      return data;
  }
}
