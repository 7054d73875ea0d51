import { byteRange, newElementData } from '../../../src/graph/graph.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { Tensor } from '../../../src/tensor.ts';
import type { Random } from '../../../models/random.ts';
import { graphOf, zeroPoint, type ByteType } from '../draw.ts';
import { dialectOf } from '../generate.ts';
import type { Unnamed } from '../case.ts';
import { beside, firstFloat, quantizationOf, steps, stored } from './near.ts';

type Pair = (a: number, b: number) => number;

/** Whole blocks, a tail, a single element; the second operand's shape, where it is another. */
const SHAPES: readonly (readonly [a: readonly number[], b?: readonly number[]])[] = [
  [[1, 1, 1, 419]],
  [[1, 8, 8, 8]],
  [[1, 1, 1, 1]],
  [[2, 33, 3, 5]],
];
const BROADCAST: typeof SHAPES = [
  [
    [1, 8, 6, 6],
    [1, 8, 1, 1],
  ],
  [
    [1, 8, 1, 1],
    [1, 8, 6, 6],
  ],
  [
    [1, 6, 5, 5],
    [2, 6, 5, 5],
  ],
];

const SAMPLES = 4000;

/** An add or a product: a scale is moved to where the engine's function steps at one pair, and pairs near it are taken. */
export function pairAtBoundaries(random: Random, engine: Engine, op: 'Add' | 'Mul'): Unnamed {
  const { torch } = dialectOf(engine.name);
  const type: ByteType = torch || random.chance(0.7) ? 'uint8' : 'int8';
  const [min, max] = byteRange(type);
  const relu = torch && random.chance(0.4);
  const zeros = [0, 0, 0].map(() => zeroPoint(random, type));
  // qnnpack takes no ReLU that leaves one value
  if (relu) zeros[2] = Math.min(zeros[2]!, 254);
  const sa = random.scale(1e-3, 1);
  // in simple ratios many pairs are ties
  const simple = random.chance(0.6);
  const ratio = (): number => random.pick([0.25, 0.5, 1, 1.5, 2, 3, 6, 10]);
  const sb = f32(sa * (simple ? ratio() : random.scale(0.02, 50)));
  const own = simple ? ratio() : random.scale(0.05, 4);
  const sy = f32((op === 'Add' ? (simple ? sa : sa + sb) : sa * sb * 64) * own);
  const start = [sa, sb, sy].map((scale) => stored(random, scale, torch));
  // what vector instructions leave over lies where a tensor ends: an add of two shapes is refused
  const isWhole = torch || (op === 'Add' && engine.tails !== undefined);
  const [shapeA, other] = random.pick(isWhole ? SHAPES : [...SHAPES, ...BROADCAST]);
  const shapeB = other ?? shapeA;
  const functionOf = (values: readonly number[]): Pair => {
    const [a, b, output] = values.map((scale, i) => ({ type, scale, zeroPoint: zeros[i]! })) as [Q, Q, Q];
    if (op === 'Mul') return engine.multiply!({ a, b, output });
    const { body, tail } = engine.add({ a, b, output, relu });
    return tail && random.chance(0.3) ? tail : body;
  };
  const byte = (): number => random.integer(min, max);
  const moved = random.integer(0, 2);
  const [a, b] = [byte(), byte()];
  const code = (scale: number): number => functionOf(start.map((own, i) => (i === moved ? scale : own)))(a, b);
  const [low, high] = [f32(start[moved]! / 1.5), f32(start[moved]! * 1.5)];
  const [from, to] = [code(low), code(high)].sort((x, y) => x - y) as [number, number];
  const target = random.integer(from + 1, Math.max(from + 1, to));
  const found = firstFloat((scale) => code(scale) >= target, low, high);
  if (simple) start[moved] = stored(random, beside(f32(start[moved]!), steps(random)), torch);
  else if (found !== undefined) start[moved] = stored(random, beside(found, steps(random)), torch);

  // pairs that give another code where a scale is a few steps away, and others
  const near: [number, number][] = [[a, b]];
  const [here, below, above] = [0, -4, 4].map((ulps) =>
    functionOf(start.map((own, i) => (i === moved ? beside(f32(own), ulps) : own))),
  ) as [Pair, Pair, Pair];
  for (let i = 0; i < SAMPLES && near.length < 200; i++) {
    const [x, y] = [byte(), byte()];
    if (below(x, y) !== here(x, y) || above(x, y) !== here(x, y)) near.push([x, y]);
  }
  const count = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1);
  const fill = (shape: readonly number[], operand: 0 | 1) => {
    const data = newElementData(type, count(shape));
    for (let i = 0; i < data.length; i++) data[i] = i % 8 === 7 ? byte() : near[(i * 7) % near.length]![operand];
    return new Tensor(type, data, shape);
  };
  const quantization = (i: number) => quantizationOf(start[i]!, zeros[i]!, torch);
  return {
    description: `${op} at boundaries, ${type} ${shapeA.join('x')} and ${shapeB.join('x')}`,
    graph: graphOf(
      engine.name,
      op,
      [
        { name: 'a', type, shape: shapeA, quantization: quantization(0) },
        { name: 'b', type, shape: shapeB, quantization: quantization(1) },
      ],
      { name: 'y', type, quantization: quantization(2) },
      [],
      relu ? { relu: 1 } : {},
    ),
    feeds: { a: fill(shapeA, 0), b: fill(shapeB, 1) },
    // operands of one shape fuse; broadcast ones are written as the operator itself
    form: type === 'uint8' && !other && random.chance(0.3) ? 'qdq' : 'qoperator',
  };
}

interface Q {
  readonly type: ByteType;
  readonly scale: number;
  readonly zeroPoint: number;
}
