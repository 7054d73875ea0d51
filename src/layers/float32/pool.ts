import { newElementData, type GraphNode } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';
import { wholeWindow } from '../average_pool.ts';
import { keepsDimensions } from '../max_pool.ts';
import type { Layer, Window } from '../layer.ts';
import { extent } from '../layout.ts';
import { poolWindow } from '../max_pool.ts';
import { expectOperands, isTrue, placeOf, refuse, type Operator, type OpContext } from '../operator.ts';
import { forEachWindow } from '../window.ts';
import { float32Of } from './element.ts';

type Pool = Pick<Layer<'pool_float32'>, 'window' | 'order' | 'takes' | 'countsPads' | 'size'>;

const LEAST = -3.4028234663852886e38;

/** As vectors take it: of two zeros +0, of NaN and a number NaN. */
const largerOfVector = (a: number, b: number): number => Math.max(a, b);
/** As std::max takes it: the first where none is less. */
const larger = (a: number, b: number): number => (a < b ? b : a);
const sum = (a: number, b: number): number => f32(a + b);

/** Columns from here on are no whole vector of four. */
const inVectors = (column: number, width: number): boolean => column < width - (width % 4);

/** One window of a plane, on the host. */
function reduce(
  { window, order, takes }: Pool,
  plane: Float32Array,
  width: number,
  places: readonly (number | undefined)[],
): number {
  const [rows, columns] = window.kernel;
  const isSum = takes === 'mean';
  const start = isSum ? 0 : LEAST;
  const take = isSum ? sum : larger;
  const takeVector = isSum ? sum : largerOfVector;
  const given = places.filter((place) => place !== undefined);
  if (order === 'lanes') {
    const whole = given.length - (given.length % 4);
    const lanes = [start, start, start, start];
    for (let i = 0; i < whole; i++) lanes[i % 4] = takeVector(lanes[i % 4]!, plane[given[i]!]!);
    const first = takeVector(takeVector(lanes[0]!, lanes[2]!), takeVector(lanes[1]!, lanes[3]!));
    return given.slice(whole).reduce((all, place) => take(all, plane[place]!), first);
  }
  if (order === 'rows') return given.reduce((all, place) => take(all, plane[place]!), start);
  const column = (kx: number): number => {
    const own = Array.from({ length: rows }, (_, ky) => places[ky * columns + kx]).filter((p) => p !== undefined);
    if (own.length === 0) return start;
    return own.map((place) => plane[place]!).reduce(inVectors(own[0]! % width, width) ? takeVector : take);
  };
  return Array.from({ length: columns }, (_, kx) => column(kx)).reduce(takeVector);
}

function reference(pool: Pool, x: Float32Array): Float32Array {
  const [height, width] = pool.size;
  const { window, takes, countsPads } = pool;
  const [plane, outPlane] = [height * width, window.size[0] * window.size[1]];
  const data = newElementData('float32', (x.length / plane) * outPlane);
  const elements = window.kernel[0] * window.kernel[1];
  forEachWindow(window, [height, width], (output, places, numbers) => {
    const placeOfElement: (number | undefined)[] = Array.from({ length: elements }, () => undefined);
    for (const [i, number] of numbers.entries()) placeOfElement[number] = places[i]!;
    const divisor = countsPads ? elements : places.length;
    for (let from = 0, to = output; from < x.length; from += plane, to += outPlane) {
      const all = reduce(pool, x.subarray(from, from + plane), width, placeOfElement);
      data[to] = takes === 'mean' ? f32(all / divisor) : all;
    }
  });
  return data;
}

const poolOperator = (
  poolOf: (node: GraphNode, context: OpContext) => Pool,
  endOf: (node: GraphNode, pool: Pool) => readonly number[] = (_, { window }) => window.size,
): Operator => ({
  infer(node, context) {
    expectOperands(node, 1);
    const { shape } = context.info(node.inputs[0]!);
    if (shape.length !== 4) return refuse(node, `float32 input of shape [${shape.join(', ')}]`, '4-D inputs');
    const pool = poolOf(node, context);
    return { name: node.outputs[0]!, type: 'float32', shape: [...shape.slice(0, 2), ...endOf(node, pool)] };
  },
  reference: (node, context, operand) => ({
    data: reference(poolOf(node, context), operand(0) as Float32Array),
  }),
  layer: (node, context) => ({ kind: 'pool_float32', ...placeOf(node, context), ...poolOf(node, context) }),
});

function averageOf(node: GraphNode, context: OpContext, window: Window): Pool {
  const { height, width } = extent(context.info(node.inputs[0]!));
  if (window.dilations.some((d) => d !== 1)) return refuse(node, 'dilations of floats', 'dilations of 1');
  if (node.attributes['ceil_mode'] === 1) return refuse(node, 'a float32 average with ceil_mode 1', 'ceil_mode 0');
  const opset = Number(node.attributes['opset'] ?? 0);
  const order = float32Of(node, context).average({ op: node.op, window, height, width, opset });
  return { window, order, takes: 'mean', countsPads: isTrue(node, 'count_include_pad'), size: [height, width] };
}

const wholePlane = (node: GraphNode, context: OpContext): Window => {
  const { height, width } = extent(context.info(node.inputs[0]!));
  return { kernel: [height, width], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], size: [1, 1] };
};

/** AveragePool of float32. */
export const floatAveragePool = poolOperator((node, context) => averageOf(node, context, poolWindow(node, context)));

/** GlobalAveragePool of float32. */
export const floatGlobalAveragePool = poolOperator((node, context) =>
  averageOf(node, context, wholePlane(node, context)),
);

/** ReduceMean over height and width of float32: one after the other, as of one row. */
export const floatReduceMean = poolOperator(
  (node, context) => {
    const [rows, columns] = wholeWindow(node, context).kernel;
    const length = rows * columns;
    const window = { ...wholePlane(node, context), kernel: [1, length] } as const;
    float32Of(node, context);
    return { window, order: 'columns', takes: 'mean', countsPads: false, size: [1, length] };
  },
  (node) => (keepsDimensions(node) ? [1, 1] : []),
);

/** ReduceMax over height and width of float32: one after the other, the first of those that are equal. */
export const floatReduceMax = poolOperator(
  (node, context) => {
    const [rows, columns] = wholeWindow(node, context).kernel;
    const length = rows * columns;
    float32Of(node, context);
    // one column is no vector
    const window = { ...wholePlane(node, context), kernel: [length, 1] } as const;
    return { window, order: 'columns', takes: 'largest', countsPads: false, size: [length, 1] };
  },
  (node) => (keepsDimensions(node) ? [1, 1] : []),
);

/** MaxPool of float32. */
export const floatMaxPool = poolOperator((node, context) => {
  const window = poolWindow(node, context);
  const { height, width } = extent(context.info(node.inputs[0]!));
  // the same vectors as of an AveragePool
  const order = float32Of(node, context).maximum({ op: node.op, window, height, width, opset: 0 });
  return { window, order, takes: 'largest', countsPads: false, size: [height, width] };
});
