import type { Random } from '../../../models/random.ts';
import { Builder, type Piece, type Value } from './builder.ts';
import { activation } from './pieces/elementwise.ts';
import { integerConv, integerMatMul, LONG, range } from './pieces/dynamic.ts';
import { floatFunction, floatPair, gate, gelu, squeeze } from './pieces/floats.ts';
import { ofImage } from './pieces/images.ts';
import { concat, realMove } from './pieces/moves.ts';
import { pool } from './pieces/pools.ts';

const PIECES: readonly Piece[] = [
  ...Array.from({ length: 6 }, () => integerConv),
  ...Array.from({ length: 4 }, () => integerMatMul),
  ...Array.from({ length: 4 }, () => floatFunction),
  ...[floatPair, floatPair, gate, gelu, squeeze, activation, pool, pool, ofImage, ofImage, realMove, concat, range],
];

/** Before 13 a Softmax has rows of many dimensions, from 19 on an AveragePool another order. */
const OPERATOR_SETS = [13, 13, 14, 17, 17, 12, 19];

function start(builder: Builder): void {
  const { random } = builder;
  const small = (most: number): number => random.integer(1, most);
  const shape = random.chance(0.4)
    ? [small(4), random.chance(0.2) ? random.integer(LONG, LONG + 100) : small(20)]
    : [small(2), small(9), small(9), small(9)];
  for (let inputs = random.chance(0.8) ? 1 : 2; inputs > 0; inputs--) {
    const name = builder.name('x');
    builder.inputs.push({ name, type: 'float32', dims: shape });
    builder.keep({ name, shape, type: 'float32' });
  }
}

/** A graph as quantize_dynamic writes them, of operators in float32 between integer ones. */
export function dynamicGraph(random: Random) {
  const builder = new Builder(random);
  start(builder);
  const given = builder.values.length;
  for (let length = random.integer(1, 5); length > 0; length--) {
    const before = builder.values.length;
    random.pick(PIECES)(builder);
    const last = builder.values.at(-1)!;
    if (builder.values.length > before && random.chance(0.08) && last.type === 'float32')
      builder.dequantize(builder.quantize(last));
  }
  const last = builder.real()!;
  const { bytes, scale, zeroPoint } = builder.quantizeByRange(last);
  const computed = builder.values.slice(given);
  const isEvery = random.chance(0.3);
  const outputs: Value[] = [
    { name: bytes, shape: last.shape, type: 'uint8' },
    { name: scale, shape: [], type: 'float32' },
    { name: zeroPoint, shape: [], type: 'uint8' },
    ...computed.filter((value) => isEvery || value === computed.at(-1) || random.chance(0.2)),
  ];
  return { ...builder.model('', outputs), operatorSet: random.pick(OPERATOR_SETS) };
}
