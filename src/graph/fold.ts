import { UnsupportedModelError } from '../errors.ts';
import { expectShape } from './budget.ts';
import {
  elementCount,
  newElementData,
  type Constant,
  type ElementData,
  type ElementType,
  type GraphNode,
} from './graph.ts';

/**
 * What nodes make of constants alone, as ONNX defines them, on the host: shapes that exporters compute, weights that are
 * clipped or transposed. Floats are float32, one rounding an operation; truth values are uint8.
 */

type Values = Omit<Constant, 'name' | 'quantization'>;

/** Undefined where the operator is none of these operands. */
type Fold = (operands: readonly (Constant | undefined)[], attributes: GraphNode['attributes']) => Values | undefined;

/** Concatenated or repeated again and again, they would double each time. */
const MOST_SHAPE_VALUES = 2 ** 16;

const integers = (constant: Constant | undefined): number[] | undefined =>
  constant && Array.from(constant.data as ArrayLike<number | bigint>, Number);

/** A list that is an operand or, in older operator sets, an attribute. */
function listOf(operand: Constant | undefined, attribute: GraphNode['attributes'][string] | undefined) {
  return integers(operand) ?? (Array.isArray(attribute) ? (attribute as readonly number[]) : undefined);
}

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Elements of `from`, each by its index in row-major order. */
function picked({ type, data }: Values, shape: readonly number[], index: (element: number) => number): Values {
  expectShape('a constant', shape);
  const values = newElementData(type, elementCount(shape));
  for (let i = 0; i < values.length; i++) values[i] = data[index(i)]!;
  return { type, shape, data: values };
}

/** What each axis takes of the input's axis `axis`, in order. */
function taken(from: Values, axes: readonly { readonly axis: number; readonly indices: readonly number[] }[]): Values {
  const strides = stridesOf(from.shape);
  const shape = axes.map(({ indices }) => indices.length);
  const own = stridesOf(shape);
  return picked(from, shape, (i) =>
    axes.reduce((at, { axis, indices }, k) => at + indices[Math.floor(i / own[k]!) % shape[k]!]! * strides[axis]!, 0),
  );
}

const all = (shape: readonly number[]): { axis: number; indices: number[] }[] =>
  shape.map((length, axis) => ({ axis, indices: Array.from({ length }, (_, i) => i) }));

const withShape = ({ type, data }: Values, shape: readonly number[]): Values | undefined =>
  elementCount(shape) === data.length ? { type, data, shape } : undefined;

/** The shape to which operands are broadcast; undefined where they cannot be. */
function commonShape(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(...shapes.map(({ length }) => length));
  const whole = shapes.map((shape) => [...Array.from({ length: rank - shape.length }, () => 1), ...shape]);
  const common = Array.from(
    { length: rank },
    (_, axis) => whole.map((shape) => shape[axis]!).find((d) => d !== 1) ?? 1,
  );
  return whole.every((shape) => shape.every((d, axis) => d === 1 || d === common[axis])) ? common : undefined;
}

function expanded(from: Values, shape: readonly number[]): Values {
  const whole = [...Array.from({ length: shape.length - from.shape.length }, () => 1), ...from.shape];
  return taken(
    { ...from, shape: whole },
    shape.map((length, axis) => ({ axis, indices: Array.from({ length }, (_, i) => (whole[axis] === 1 ? 0 : i)) })),
  );
}

/** One of a number or a bigint: operands have one type. */
type Scalar = number & bigint;

/** Element by element, operands of one type, which is the result's where it is not given. */
const elementwise =
  (
    count: number,
    f: (isInteger: boolean) => (...values: Scalar[]) => number | bigint | boolean,
    result?: ElementType,
  ): Fold =>
  (operands) => {
    const given = operands.filter((operand) => operand !== undefined);
    const shape = commonShape(given.map((operand) => operand.shape));
    const { type } = given[0]!;
    if (given.length < count || !shape || given.some((operand) => operand.type !== type)) return undefined;
    const values = given.map((operand) => expanded(operand, shape).data as unknown as ArrayLike<Scalar>);
    const compute = f(type !== 'float32');
    const data = newElementData(result ?? type, elementCount(shape));
    for (let i = 0; i < data.length; i++) {
      const value = compute(...values.map((list) => list[i]!));
      data[i] = typeof value === 'boolean' ? Number(value) : value;
    }
    return { type: result ?? type, shape, data };
  };

const moving =
  (
    f: (
      from: Constant,
      operands: readonly (Constant | undefined)[],
      attributes: GraphNode['attributes'],
    ) => Values | undefined,
  ): Fold =>
  ([from, ...rest], attributes) =>
    from && f(from, rest, attributes);

/** Integers are divided towards zero. */
const divided = (isInteger: boolean) => (a: Scalar, b: Scalar) =>
  typeof a === 'bigint' ? (b === (0n as unknown) ? 0n : a / b) : isInteger ? Math.trunc(a / b) : a / b;

const TYPES: Readonly<Record<number, ElementType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  6: 'int32',
  7: 'int64',
  9: 'uint8',
};

function cast(from: Constant, to: number): Values | undefined {
  const type = TYPES[to];
  if (!type) return undefined;
  const data = newElementData(type, from.data.length);
  const isTruth = to === 9;
  for (let i = 0; i < data.length; i++) {
    const value = Number(from.data[i]);
    const whole = type === 'float32' ? value : isTruth ? Number(value !== 0) : Math.trunc(value);
    data[i] = type === 'int64' ? BigInt(Number.isFinite(whole) ? whole : 0) : whole;
  }
  return { type, shape: from.shape, data };
}

const reshaped = moving((from, [target], { allowzero = 0 }) => {
  const sizes = integers(target)?.map((d, i) => (d === 0 && allowzero !== 1 ? from.shape[i]! : d));
  if (!sizes) return undefined;
  const rest = sizes.filter((d) => d !== -1).reduce((product, d) => product * d, 1);
  return withShape(
    from,
    sizes.map((d) => (d === -1 ? from.data.length / rest : d)),
  );
});

const squeezed = moving((from, [operand], { axes: attribute }) => {
  const axes = listOf(operand, attribute)?.map((axis) => axisOf(axis, from.shape.length));
  return withShape(
    from,
    from.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
  );
});

const unsqueezed = moving((from, [operand], { axes: attribute }) => {
  const given = listOf(operand, attribute);
  if (!given) return undefined;
  const rank = from.shape.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(axis, rank)));
  const left = [...from.shape];
  return withShape(
    from,
    Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : left.shift()!)),
  );
});

const sliced = moving((from, operands, attributes) => {
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name, i) =>
    listOf(operands[i], attributes[name]),
  );
  if (!starts || !ends) return undefined;
  const picks = all(from.shape);
  for (const [k, start] of starts.entries()) {
    const axis = axisOf(axes?.[k] ?? k, from.shape.length);
    const step = steps?.[k] ?? 1;
    const size = from.shape[axis];
    if (size === undefined || step === 0) return undefined;
    const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (i: number): number => Math.min(Math.max(i < 0 ? i + size : i, least), most);
    const indices: number[] = [];
    for (let i = clamp(start); step > 0 ? i < clamp(ends[k]!) : i > clamp(ends[k]!); i += step) indices.push(i);
    picks[axis] = { axis, indices };
  }
  return taken(from, picks);
});

const gathered = moving((from, [operand], { axis: given = 0 }) => {
  const axis = axisOf(Number(given), from.shape.length);
  const size = from.shape[axis];
  if (!operand || size === undefined) return undefined;
  const indices = integers(operand)!.map((i) => axisOf(i, size));
  if (indices.some((i) => !(i >= 0 && i < size))) return undefined;
  const picks = all(from.shape);
  picks[axis] = { axis, indices };
  return withShape(taken(from, picks), [...from.shape.slice(0, axis), ...operand.shape, ...from.shape.slice(axis + 1)]);
});

const concatenated: Fold = (operands, { axis: given = 0 }) => {
  const parts = operands.filter((operand) => operand !== undefined);
  const [first] = parts as [Constant];
  const axis = axisOf(Number(given), first.shape.length);
  const fits = ({ type, shape }: Constant): boolean =>
    type === first.type &&
    shape.length === first.shape.length &&
    shape.every((d, i) => i === axis || d === first.shape[i]);
  if (first.shape[axis] === undefined || !parts.every(fits)) return undefined;
  const length = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first.shape.map((d, i) => (i === axis ? length : d));
  const inner = elementCount(shape.slice(axis + 1));
  const starts = parts.map((_, k) => parts.slice(0, k).reduce((sum, one) => sum + one.shape[axis]!, 0));
  const data = newElementData(first.type, elementCount(shape));
  for (let i = 0; i < data.length; i++) {
    const at = Math.floor(i / inner) % length;
    const k = starts.findLastIndex((start) => start <= at);
    const row = Math.floor(i / (inner * length)) * parts[k]!.shape[axis]! + at - starts[k]!;
    data[i] = parts[k]!.data[row * inner + (i % inner)]!;
  }
  return { type: first.type, shape, data };
};

const FOLDS: Readonly<Record<string, Fold>> = {
  Identity: moving((from) => from),
  Cast: moving((from, _, { to }) => cast(from, Number(to))),
  Shape: moving(({ shape }, _, { start = 0, end = shape.length }) => {
    const dims = shape.slice(Number(start), Number(end));
    return { type: 'int64', shape: [dims.length], data: BigInt64Array.from(dims, BigInt) };
  }),
  Reshape: reshaped,
  Flatten: moving((from, _, { axis = 1 }) => {
    const first = axisOf(Number(axis), from.shape.length);
    return withShape(from, [elementCount(from.shape.slice(0, first)), elementCount(from.shape.slice(first))]);
  }),
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Transpose: moving((from, _, { perm }) => {
    const axes = Array.isArray(perm)
      ? (perm as readonly number[])
      : from.shape.map((_, i) => from.shape.length - 1 - i);
    const picks = all(from.shape);
    return axes.every((axis) => picks[axis])
      ? taken(
          from,
          axes.map((axis) => picks[axis]!),
        )
      : undefined;
  }),
  Slice: sliced,
  Gather: gathered,
  Concat: concatenated,
  Expand: moving((from, [target]) => {
    const shape = commonShape([from.shape, integers(target) ?? []]);
    return target && shape ? expanded(from, shape) : undefined;
  }),
  ConstantOfShape: ([target], { value_type: type = 1, value = 0 }) => {
    const shape = integers(target);
    const result = TYPES[Number(type)];
    if (!shape || !result) return undefined;
    expectShape('a constant', shape);
    const data = newElementData(result, elementCount(shape));
    (data as BigInt64Array).fill((result === 'int64' ? BigInt(Number(value)) : Number(value)) as bigint);
    return { type: result, shape, data };
  },
  Range: ([start, limit, step]) => {
    if (!start || !limit || !step || start.type !== limit.type || start.type !== step.type) return undefined;
    const [from, to, by] = [start, limit, step].map(({ data }) => Number(data[0])) as [number, number, number];
    const length = Math.max(0, Math.ceil((to - from) / by));
    expectShape('a constant', [length]);
    const data = newElementData(start.type, length);
    for (let i = 0; i < length; i++) data[i] = start.type === 'int64' ? BigInt(from + i * by) : from + i * by;
    return { type: start.type, shape: [length], data };
  },
  Add: elementwise(2, () => (a, b) => a + b),
  Sub: elementwise(2, () => (a, b) => a - b),
  Mul: elementwise(2, () => (a, b) => a * b),
  Div: elementwise(2, divided),
  Neg: elementwise(1, () => (a) => -a),
  Abs: elementwise(1, () => (a) => (a < 0 ? -a : a)),
  Sqrt: elementwise(1, (isInteger) => (a) => (isInteger ? a : Math.sqrt(a))),
  Reciprocal: elementwise(1, (isInteger) => (a) => (isInteger ? a : 1 / a)),
  Min: elementwise(
    1,
    () =>
      (...values) =>
        values.reduce((least, v) => (v < least ? v : least)),
  ),
  Max: elementwise(
    1,
    () =>
      (...values) =>
        values.reduce((most, v) => (v > most ? v : most)),
  ),
  Relu: elementwise(1, () => (a) => (a < 0 ? a - a : a)),
  Clip: ([from, least, most], attributes) => {
    if (!from || from.type === 'int64') return undefined;
    const bound = (given: Constant | undefined, name: string, without: number) =>
      Number(given?.data[0] ?? attributes[name] ?? without);
    const [low, high] = [bound(least, 'min', -Infinity), bound(most, 'max', Infinity)];
    return elementwise(1, () => (a) => (a < low ? low : a > high ? high : a))([from], {});
  },
  Equal: elementwise(2, () => (a, b) => a === b, 'uint8'),
  Greater: elementwise(2, () => (a, b) => a > b, 'uint8'),
  Less: elementwise(2, () => (a, b) => a < b, 'uint8'),
  Not: elementwise(1, () => (a) => a === 0),
  Where: ([condition, yes, no]) => {
    const shape = condition && yes && no && commonShape([condition.shape, yes.shape, no.shape]);
    if (!shape || yes.type !== no.type) return undefined;
    const [which, a, b] = [condition, yes, no].map((one) => expanded(one, shape).data) as [
      ElementData,
      ElementData,
      ElementData,
    ];
    const data = newElementData(yes.type, which.length);
    for (let i = 0; i < data.length; i++) data[i] = (Number(which[i]) === 0 ? b : a)[i]!;
    return { type: yes.type, shape, data };
  },
};

/** Operators that are no more than what they make of constants: no tensor that is computed goes through them. */
export const CONSTANT_OPERATORS: readonly string[] = [
  ...['Cast', 'Expand', 'ConstantOfShape', 'Range', 'Neg', 'Abs', 'Sqrt', 'Reciprocal'],
  ...['Min', 'Max', 'Equal', 'Greater', 'Less', 'Not', 'Where'],
];

/** A node's output, where its operands are constants without a quantization, and it is known what becomes of them. */
export function foldConstants(
  { op, name, inputs, outputs, attributes }: GraphNode,
  constant: (tensor: string) => Constant | undefined,
): Constant | undefined {
  const fold = Object.hasOwn(FOLDS, op) ? FOLDS[op] : undefined;
  const operands = inputs.map((input) => (input === '' ? undefined : constant(input)));
  const isConstant = inputs.every((input, i) => input === '' || operands[i] !== undefined);
  if (!fold || !isConstant || inputs.length === 0 || outputs.length !== 1) return undefined;
  if (operands.some((operand) => operand?.quantization)) return undefined;
  const values = fold(operands, attributes);
  if (values?.type === 'int64' && values.data.length > MOST_SHAPE_VALUES)
    throw new UnsupportedModelError(
      `node '${name}' (${op}): a shape of ${values.data.length} values; supported: up to ${MOST_SHAPE_VALUES}`,
    );
  return values && { ...values, name: outputs[0]! };
}
