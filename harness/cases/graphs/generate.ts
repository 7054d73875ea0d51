import type { OnnxModel } from '../../../models/onnx_writer.ts';
import { Random } from '../../../models/random.ts';
import { byteRange, elementCount, isByteType, newElementData } from '../../../src/graph/graph.ts';
import { Tensor } from '../../../src/tensor.ts';
import { Builder, type Piece, type Value } from './builder.ts';
import { dynamicGraph } from './dynamic.ts';
import { floats } from './floats.ts';
import { mutate } from './mutate.ts';
import { activation, qlinearActivation } from './pieces/elementwise.ts';
import { ofImage } from './pieces/images.ts';
import { conv, gemm, qgemm, qlinearConv } from './pieces/linear.ts';
import { byteMove, concat, movesInARow, qlinearConcat, realMove } from './pieces/moves.ts';
import { pair, qlinearPair } from './pieces/pairs.ts';
import { pool, qlinearPool } from './pieces/pools.ts';

/** A whole small graph with its inputs: everything follows from seed and index. */
interface GraphCase {
  /** KIND/SEED/INDEX */
  readonly id: string;
  readonly model: OnnxModel;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const REAL: readonly Piece[] = [
  conv,
  conv,
  gemm,
  gemm,
  pair,
  pair,
  pool,
  pool,
  realMove,
  realMove,
  movesInARow,
  concat,
  activation,
  ofImage,
];
const BYTES: readonly Piece[] = [
  qlinearConv,
  qlinearConv,
  qgemm,
  qlinearPair,
  qlinearPool,
  byteMove,
  qlinearConcat,
  qlinearActivation,
];

function start(builder: Builder): void {
  const { random } = builder;
  const shape = random.chance(0.25)
    ? [1, random.integer(1, 12)]
    : [1, random.integer(1, 5), random.integer(1, 6), random.integer(1, 6)];
  for (let inputs = random.chance(0.8) ? 1 : 2; inputs > 0; inputs--) {
    const quantization = builder.quantization();
    const type = random.chance(0.8) ? 'float32' : quantization.type;
    const name = builder.name('x');
    builder.inputs.push({ name, type, dims: shape });
    const input: Value = { name, shape, type };
    if (type === 'float32') builder.dequantize(builder.quantize(input, quantization));
    else builder.dequantize(builder.keep({ ...input, quantization }));
  }
}

/** Q and DQ behind most operators, for that is where integers come from; sometimes only one, or none. */
function finish(builder: Builder, before: number): void {
  const { random, values } = builder;
  const last = values.at(-1)!;
  if (values.length === before) return;
  if (last.type === 'float32') {
    if (random.chance(0.8)) {
      const bytes = builder.quantize(last);
      if (random.chance(0.9)) builder.dequantize(bytes);
    }
  } else if (random.chance(0.3)) builder.dequantize(last);
}

function staticGraph(random: Random): OnnxModel {
  const builder = new Builder(random);
  start(builder);
  const pieces = random.pick([REAL, REAL, REAL, BYTES, [...REAL, ...BYTES]]);
  for (let length = random.integer(1, 6); length > 0; length--) {
    const before = builder.values.length;
    random.pick(pieces)(builder);
    finish(builder, before);
  }
  const isComputed = ({ name }: Value): boolean => !builder.inputs.some((input) => input.name === name);
  const values = builder.values.filter(isComputed);
  const outputs = [values.at(-1)!];
  while (random.chance(0.25)) {
    const more = random.pick(values);
    if (!outputs.includes(more)) outputs.push(more);
  }
  return builder.model('', outputs);
}

/** Bytes at random; floats by `floats`. */
function feedsOf(
  random: Random,
  { inputs }: OnnxModel,
  floats: (random: Random, count: number) => Float32Array,
): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, type, dims }) => {
      const shape = dims as readonly number[];
      const count = elementCount(shape);
      if (!isByteType(type)) return [name, new Tensor('float32', floats(random, count), shape)];
      const data = newElementData(type, count);
      for (let i = 0; i < count; i++) data[i] = random.integer(...byteRange(type));
      return [name, new Tensor(type, data, shape)];
    }),
  );
}

const plainFloats = (random: Random, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => (random.unit() - 0.5) * 8);

/** Kinds of graphs, and what their inputs are: of static quantization, Q and DQ or operators of bytes, and of dynamic quantization. */
const GRAPHS = {
  graphs: { generate: staticGraph, floats: plainFloats },
  dynamic: { generate: dynamicGraph, floats },
} as const;
export type GraphKind = keyof typeof GRAPHS;
export const GRAPH_KINDS = Object.keys(GRAPHS) as readonly GraphKind[];

/** Graph `index` of a seed: every second one is a mutant of a generated one. */
export function generateGraph(seed: number, index: number, kind: GraphKind = 'graphs'): GraphCase {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const id = `${kind}/${seed}/${index}`;
  const { generate, floats } = GRAPHS[kind];
  const model = { ...generate(random), name: id };
  const feeds = feedsOf(random, model, floats);
  return { id, feeds, model: index % 2 === 0 ? model : mutate(random, model) };
}
