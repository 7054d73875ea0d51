import { elementCount } from '../../../../src/graph/graph.ts';
import { bytesWith, isImage, ofBytes, ofReal, operandsOf, type Builder, type Piece, type Value } from '../builder.ts';
import { sameType } from './linear.ts';

/** One node that moves elements: what it is, and the shape that comes out. */
function moved(builder: Builder, x: Value): { name: string; shape: readonly number[] } | undefined {
  const { random } = builder;
  const { name, shape } = x;
  const made = (dims: readonly number[], op: string, operands: readonly string[] = [], attributes = {}) => ({
    name: builder.node(op, [name, ...operands], attributes),
    shape: dims,
  });
  switch (
    random.pick([
      'Transpose',
      'Transpose',
      'Reshape',
      'Flatten',
      'Slice',
      'Squeeze',
      'Unsqueeze',
      'Pad',
      'Resize',
      'DepthToSpace',
      'Split',
      'Identity',
    ])
  ) {
    case 'Transpose': {
      const perm =
        shape.length === 4
          ? random.pick([
              [0, 2, 3, 1],
              [0, 3, 1, 2],
              [0, 1, 3, 2],
            ])
          : shape.map((_, i) => i).reverse();
      return made(
        perm.map((i) => shape[i]!),
        'Transpose',
        [],
        { perm },
      );
    }
    case 'Reshape': {
      const all = elementCount(shape);
      const dims = random.pick([
        [1, all],
        [1, 1, 1, all],
        [1, shape.at(-1)!, all / shape.at(-1)!, 1],
      ]);
      return made(dims, 'Reshape', [builder.integers(dims)]);
    }
    case 'Flatten':
      return made([1, elementCount(shape)], 'Flatten', [], { axis: shape[0] === 1 ? random.integer(0, 1) : 0 });
    case 'Slice': {
      const axis = random.integer(1, shape.length - 1);
      const from = random.integer(0, shape[axis]! - 1);
      const dims = shape.map((d, i) => (i === axis ? d - from : d));
      return made(
        dims,
        'Slice',
        [[from], [1000], [axis], [1]].map((v) => builder.integers(v)),
      );
    }
    case 'Squeeze':
      if (shape.length !== 4 || shape[2] !== 1 || shape[3] !== 1) return undefined;
      return made(shape.slice(0, 2), 'Squeeze', [builder.integers([2, 3])]);
    case 'Unsqueeze':
      return shape.length === 2 ? made([...shape, 1, 1], 'Unsqueeze', [builder.integers([2, 3])]) : undefined;
    case 'Pad': {
      const pads = Array.from({ length: 2 * shape.length }, (_, i) =>
        i % shape.length < 2 ? 0 : random.integer(0, 1),
      );
      const dims = shape.map((d, i) => d + pads[i]! + pads[i + shape.length]!);
      return made(dims, 'Pad', [builder.integers(pads)]);
    }
    case 'Resize': {
      if (shape.length !== 4) return undefined;
      const scales = builder.constant('r', Float32Array.of(1, 1, 2, 2), [4]);
      const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      return made([...shape.slice(0, 2), shape[2]! * 2, shape[3]! * 2], 'Resize', ['', scales], attributes);
    }
    case 'DepthToSpace': {
      const [n, c, h, w] = shape as [number, number, number, number];
      const b = [3, 2].find((size) => c % (size * size) === 0) ?? 1;
      // onnxruntime has it for no int8
      if (shape.length !== 4 || x.type === 'int8') return undefined;
      const attributes = { blocksize: b, mode: random.pick(['DCR', 'CRD']) };
      return made([n, c / (b * b), h * b, w * b], 'DepthToSpace', [], attributes);
    }
    case 'Split': {
      const [n, c, ...rest] = shape as [number, number];
      if (c < 2) return undefined;
      const first = random.integer(1, c - 1);
      const [a, b] = [builder.name('t'), builder.name('t')];
      builder.node('Split', [name, builder.integers([first, c - first])], { axis: 1 }, '', [a, b]);
      builder.keep({ ...x, name: b, shape: [n, c - first, ...rest] });
      return { name: a, shape: [n, first, ...rest] };
    }
    default:
      return made(shape, 'Identity');
  }
}

const move = <T extends Value>(builder: Builder, x: T): T | undefined => {
  const result = elementCount(x.shape) <= 300 ? moved(builder, x) : undefined;
  return result && { ...x, ...result };
};

export const realMove = ofReal(move);
export const byteMove = ofBytes(move);

/** A move, a requantization, another move. */
export const movesInARow: Piece = (builder) => {
  const x = builder.real();
  const first = x && moved(builder, x);
  if (!first) return false;
  const real = builder.dequantize(builder.quantize({ ...x, ...first }));
  const second = moved(builder, real);
  if (second) builder.keep({ ...real, ...second });
  return true;
};

const fits = (a: Value) => (b: Value) =>
  isImage(b) && a.type === b.type && [0, 2, 3].every((i) => a.shape[i] === b.shape[i]);

function operands<T extends Value>(
  { random }: Builder,
  first: T,
  find: (fits: (b: Value) => boolean) => T | undefined,
) {
  const other = (): T => (random.chance(0.3) ? first : (find(fits(first)) ?? first));
  return [first, ...Array.from({ length: random.integer(1, 3) }, other)];
}

const joined = (values: readonly Value[]): number[] =>
  values[0]!.shape.map((d, i) => (i === 1 ? values.reduce((sum, { shape }) => sum + shape[1]!, 0) : d));

export const concat = ofReal((builder, first) => {
  const values = operands(builder, first, (fits) => builder.real(fits));
  const names = values.map(({ name }) => name);
  return { name: builder.node('Concat', names, { axis: 1 }), shape: joined(values) };
}, isImage);

export const qlinearConcat = ofBytes((builder, first) => {
  const values = operands(builder, first, (fits) => builder.bytes(fits));
  const output = sameType(builder, first.quantization);
  const inputs = [output.scale, output.zeroPoint, ...values.flatMap(operandsOf)];
  return bytesWith(builder.node('QLinearConcat', inputs, { axis: 1 }, 'com.microsoft'), joined(values), output);
}, isImage);
