import { describe, expect, it } from 'vitest';
import { foldConstants } from './fold.ts';
import type { Attributes, Constant, ElementData } from './graph.ts';

const TYPES = [
  ['float32', Float32Array],
  ['int64', BigInt64Array],
  ['int32', Int32Array],
  ['uint8', Uint8Array],
  ['int8', Int8Array],
] as const;

const typeOf = (data: ElementData) => TYPES.find(([, array]) => data instanceof array)![0];

function fold(
  op: string,
  operands: readonly (readonly [ElementData, readonly number[]] | undefined)[],
  attributes: Attributes = {},
) {
  const constants = operands.map(
    (operand, i): Constant | undefined =>
      operand && { name: `c${i}`, type: typeOf(operand[0]), data: operand[0], shape: operand[1] },
  );
  const node = { name: 'n', op, inputs: constants.map((c) => c?.name ?? ''), outputs: ['y'], attributes };
  const made = foldConstants(node, (name) => constants.find((c) => c?.name === name));
  return made && [made.type, Array.from(made.data as ArrayLike<number | bigint>, Number), made.shape];
}

const longs = (...values: number[]) => [BigInt64Array.from(values, BigInt), [values.length]] as const;
const long = (value: number) => [BigInt64Array.of(BigInt(value)), []] as const;
const reals = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  [Float32Array.from(values), shape] as const;
const grid = reals([0, 1, 2, 3, 4, 5], [2, 3]);

describe('what follows from constants', () => {
  it.each([
    ['Identity', [grid], {}, ['float32', [0, 1, 2, 3, 4, 5], [2, 3]]],
    ['Cast', [reals([-1.7, 2.9])], { to: 7 }, ['int64', [-1, 2], [2]]],
    ['Cast', [longs(0, 3)], { to: 9 }, ['uint8', [0, 1], [2]]],
    ['Shape', [grid], {}, ['int64', [2, 3], [2]]],
    ['Shape', [grid], { start: 1 }, ['int64', [3], [1]]],
    ['Reshape', [grid, longs(0, -1)], {}, ['float32', [0, 1, 2, 3, 4, 5], [2, 3]]],
    ['Reshape', [grid, longs(6)], {}, ['float32', [0, 1, 2, 3, 4, 5], [6]]],
    ['Flatten', [reals([0, 1, 2, 3], [2, 1, 2])], { axis: 2 }, ['float32', [0, 1, 2, 3], [2, 2]]],
    ['Squeeze', [reals([7, 8], [1, 2, 1]), longs(-1)], {}, ['float32', [7, 8], [1, 2]]],
    ['Squeeze', [longs(7)], {}, ['int64', [7], []]],
    ['Unsqueeze', [long(7)], { axes: [0] }, ['int64', [7], [1]]],
    ['Transpose', [grid], { perm: [1, 0] }, ['float32', [0, 3, 1, 4, 2, 5], [3, 2]]],
    ['Slice', [grid, longs(2), longs(-100), longs(1), longs(-2)], {}, ['float32', [2, 0, 5, 3], [2, 2]]],
    ['Gather', [grid, longs(-1, 0)], { axis: 1 }, ['float32', [2, 0, 5, 3], [2, 2]]],
    ['Gather', [longs(4, 5, 6), long(1)], {}, ['int64', [5], []]],
    ['Concat', [grid, reals([6, 7], [2, 1])], { axis: -1 }, ['float32', [0, 1, 2, 6, 3, 4, 5, 7], [2, 4]]],
    [
      'Expand',
      [reals([1, 2], [2, 1]), longs(2, 2, 3)],
      {},
      ['float32', [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2], [2, 2, 3]],
    ],
    ['ConstantOfShape', [longs(2, 1)], { value_type: 7, value: 5 }, ['int64', [5, 5], [2, 1]]],
    ['Range', [long(1), long(8), long(3)], {}, ['int64', [1, 4, 7], [3]]],
    ['Add', [grid, reals([10, 20, 30])], {}, ['float32', [10, 21, 32, 13, 24, 35], [2, 3]]],
    ['Div', [longs(-7, 7), long(2)], {}, ['int64', [-3, 3], [2]]],
    ['Div', [reals([1]), reals([3])], {}, ['float32', [Math.fround(1 / 3)], [1]]],
    [
      'Clip',
      [
        [Int8Array.of(-128, 5, 100), [3]],
        [Int8Array.of(-127), []],
        [Int8Array.of(99), []],
      ],
      {},
      ['int8', [-127, 5, 99], [3]],
    ],
    ['Clip', [reals([-1, 1, 9]), undefined, reals([6], [])], {}, ['float32', [-1, 1, 6], [3]]],
    ['Where', [[Uint8Array.of(1, 0), [2]], longs(1, 2), long(9)], {}, ['int64', [1, 9], [2]]],
    ['Equal', [longs(1, -1), long(-1)], {}, ['uint8', [0, 1], [2]]],
    ['Max', [longs(1, 5), longs(3, 2)], {}, ['int64', [3, 5], [2]]],
  ] as const)('%s', (op, operands, attributes, expected) =>
    expect(fold(op, operands, attributes as Attributes)).toEqual(expected),
  );

  it.each([
    ['operands that do not fit', 'Add', [grid, reals([1, 2])]],
    ['operands of two types', 'Add', [grid, longs(1)]],
    ['a shape of other elements', 'Reshape', [grid, longs(4)]],
    ['an index beyond', 'Gather', [longs(4), long(1)]],
    ['an operator that is not known', 'Conv', [grid, grid]],
  ] as const)('is not known of %s', (_, op, operands) => expect(fold(op, operands)).toBeUndefined());

  it('is not known of a tensor that is computed', () =>
    expect(
      foldConstants({ name: 'n', op: 'Identity', inputs: ['x'], outputs: ['y'], attributes: {} }, () => undefined),
    ).toBeUndefined());
});
