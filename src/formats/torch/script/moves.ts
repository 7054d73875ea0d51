import { describe, type PickleValue } from '../pickle.ts';
import type { Call } from './call.ts';
import { integers, NOTHING, like, type Handler } from './activations.ts';
import { Activation, Length, type MemoryFormat } from './values.ts';

/** undefined where one of them is. */
const product = (lengths: Activation['dims']): number | undefined =>
  lengths.reduce((all, d) => (all === undefined || d === undefined ? undefined : all * d), 1);

export const flatten: Handler = (call) => {
  const x = call.tensor();
  const { dims } = x;
  const [from, to] = [call.axis(1, x, 0), call.axis(2, x, -1)];
  const [before, after] = [dims.slice(0, from), dims.slice(to + 1)];
  const y = like(x, { dims: [...before, product(dims.slice(from, to + 1)), ...after], format: 'contiguous' });
  if (from === 1 && after.length === 0) return call.node('Flatten', [x], y, { axis: 1 });
  const open = y.dims.slice(from).filter((d) => d === undefined).length;
  if (open > 1) return call.refuse(`dimensions ${from} to ${to} of ${describe(x)}`, 'one that only the input tells');
  // 0 keeps a length, -1 is what is left
  const shape = y.dims.map((d, axis) => (axis < from ? 0 : (d ?? -1)));
  return call.node('Reshape', [x, integers('shape', shape)], y);
};

export const reshape: Handler = (call) => {
  const x = call.tensor();
  const target = call.arg(1);
  if (!Array.isArray(target)) return call.refuse(`shape ${describe(target)}`, 'a list of lengths');
  const lengthOf = (d: PickleValue): number | undefined => {
    if (d instanceof Length) return undefined;
    const length = call.asNumber(d);
    return length < 0 ? undefined : length;
  };
  const y = like(x, { dims: target.map(lengthOf), format: 'contiguous' });
  const isKnown = !target.some((d) => d instanceof Length);
  const known = (): number[] => target.map((d) => call.asNumber(d));
  if (isKnown) return call.node('Reshape', [x, integers('shape', known())], y);
  const none = (rank: number): Activation => new Activation([rank], undefined, 'contiguous');
  const parts = target.map((d, i) =>
    d instanceof Length
      ? call.node('Shape', [d.of], none(1), { start: d.axis, end: d.axis + 1 }, '.length')
      : integers(`length.${i}`, [call.asNumber(d)]),
  );
  const shape = call.node('Concat', parts, none(target.length), { axis: 0 }, '.shape');
  return call.node('Reshape', [x, shape], y);
};

function permuted(call: Call, x: Activation, perm: readonly number[]): Activation {
  return call.node('Transpose', [x], like(x, { dims: perm.map((axis) => x.dims[axis]), format: 'other' }), { perm });
}

export const transpose: Handler = (call) => {
  const x = call.tensor();
  const [a, b] = [call.axis(1, x), call.axis(2, x)];
  return permuted(
    call,
    x,
    x.dims.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
};

export const permute: Handler = (call) => {
  const x = call.tensor();
  const order = call.arg(1);
  if (!Array.isArray(order) || order.length !== x.dims.length) return call.refuse(describe(order), 'all dimensions');
  return permuted(
    call,
    x,
    order.map((axis) => (call.asNumber(axis) + order.length) % order.length),
  );
};

/** The whole length, where there is no end. */
const END = 2 ** 53;

/** More are no network's. */
const MOST_PARTS = 1024;

/** From `from` to before `to` of an axis. */
function part(call: Call, x: Activation, axis: number, from: number, to: number, step = 1): Activation {
  const length = x.dims[axis];
  const at = (i: number): number => Math.min(Math.max(i < 0 ? i + length! : i, 0), length!);
  const known = length === undefined ? undefined : Math.max(0, Math.ceil((at(to) - at(from)) / step));
  const dims = x.dims.map((d, i) => (i === axis ? known : d));
  const bounds = { starts: from, ends: Math.min(to, 2 ** 31), axes: axis, steps: step };
  const operands = Object.entries(bounds).map(([name, value]) => integers(name, [value]));
  return call.node('Slice', [x, ...operands], like(x, { dims, format: 'other' }), {}, `.from${from}`);
}

export const slice: Handler = (call) => {
  const x = call.bytes();
  const axis = call.axis(1, x, 0);
  const [from, to, step] = [call.number(2, 0), call.number(3, END), call.number(4, 1)];
  if (![from, to, step].every(Number.isInteger) || step < 1)
    return call.refuse(`from ${from} to ${to} in steps of ${step}`, 'whole numbers');
  return from === 0 && to >= END && step === 1 ? x : part(call, x, axis, from, to, step);
};

/** Parts of a length, the last of what is left. */
function parts(call: Call, x: Activation, axis: number, sizeOf: (length: number) => number): Activation[] {
  const length = x.dims[axis] ?? call.refuse(`parts of ${describe(x)}`, 'dimensions that follow from weights');
  const size = sizeOf(length);
  if (!Number.isInteger(size) || size < 1 || length / size > MOST_PARTS)
    return call.refuse(`parts of ${size} of ${length}`, `whole numbers, and up to ${MOST_PARTS} parts`);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) =>
    part(call, x, axis, i * size, Math.min((i + 1) * size, length)),
  );
}

export const chunk: Handler = (call) => {
  const x = call.bytes();
  return parts(call, x, call.axis(2, x, 0), (length) => Math.ceil(length / call.number(1)));
};

export const split: Handler = (call) => {
  const x = call.bytes();
  return parts(call, x, call.axis(2, x, 0), () => call.number(1));
};

export const unsqueeze: Handler = (call) => {
  const x = call.tensor();
  const given = call.number(1);
  const axis = given < 0 ? given + x.dims.length + 1 : given;
  if (!Number.isInteger(axis) || axis < 0 || axis > x.dims.length)
    return call.refuse(`dimension ${given} of ${x.dims.length}`, 'dimensions that are there');
  const y = like(x, { dims: x.dims.toSpliced(axis, 0, 1), format: x.format === 'contiguous' ? x.format : 'other' });
  return call.node('Unsqueeze', [x], y, { axes: [axis] });
};

export const squeeze: Handler = (call) => {
  const x = call.tensor();
  const axis = call.axis(1, x);
  if (x.dims[axis] !== 1) return call.refuse(`dimension ${axis} of ${describe(x)}`, 'dimensions of 1');
  const y = like(x, { dims: x.dims.toSpliced(axis, 1), format: x.format === 'contiguous' ? x.format : 'other' });
  return call.node('Squeeze', [x], y, { axes: [axis] });
};

/** To the nearest: an output size, or factors. */
export const nearest: Handler = (call) => {
  const x = call.bytes();
  if (x.dims.length !== 4) return call.refuse(describe(x), 'pictures');
  const [sizes, factors] = [call.arg(1), call.arg(2)];
  const y = (dims: readonly (number | undefined)[]): Activation => like(x, { dims: [x.dims[0], x.dims[1], ...dims] });
  const modes = {
    mode: 'nearest',
    coordinate_transformation_mode: 'pytorch_nearest',
    nearest_mode: 'floor',
    axes: [2, 3],
  };
  if (Array.isArray(factors)) {
    const scales = factors.map((factor) => call.asNumber(factor));
    const data = Float32Array.from(scales);
    if (data.some((factor, i) => factor !== scales[i]))
      return call.refuse(`factors ${scales.join(', ')}`, 'those that are float32 values; or sizes');
    return call.node(
      'Resize',
      [x, NOTHING, { suffix: 'scales', type: 'float32', shape: [2], data }],
      y([undefined, undefined]),
      modes,
    );
  }
  const size = call.asPair(sizes);
  return call.node('Resize', [x, NOTHING, NOTHING, integers('sizes', size)], y(size), modes);
};

const FORMATS: readonly (MemoryFormat | undefined)[] = ['contiguous', undefined, 'channels_last'];

/** The same values, otherwise in memory. */
export const contiguous: Handler = (call) => {
  const x = call.tensor();
  const wanted = Number(call.arg(1, 'memory_format') ?? 0);
  const format = FORMATS[wanted] ?? call.refuse(`memory format ${wanted}`, 'contiguous, channels_last');
  return call.node('Identity', [x], like(x, { format }));
};

/** Not while the network is used. */
export const dropout: Handler = (call) => {
  if (call.flag(2)) return call.refuse('training', 'model.eval()');
  return call.tensor();
};
