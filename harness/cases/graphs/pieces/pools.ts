import { bytesWith, flag, isImage, ofBytes, ofReal, operandsOf, type Builder } from '../builder.ts';
import { sameType } from './linear.ts';

function window({ random }: Builder, [n, c, h, w]: readonly number[]) {
  const kernel = [random.integer(1, Math.min(3, h!)), random.integer(1, Math.min(3, w!))] as const;
  const pads = random.chance(0.5) ? kernel.map((k) => k >> 1) : [0, 0];
  const strides = [random.integer(1, 2), random.integer(1, 2)];
  const ceil = random.chance(0.2) ? { ceil_mode: flag(random) } : {};
  const size = (axis: 0 | 1, length: number): number => {
    const [pad, stride] = [pads[axis]!, strides[axis]!];
    const steps = (length + 2 * pad - kernel[axis]) / stride;
    if (ceil.ceil_mode !== 1) return Math.floor(steps) + 1;
    const windows = Math.ceil(steps) + 1;
    return (windows - 1) * stride >= length + pad ? windows - 1 : windows;
  };
  return {
    attributes: { kernel_shape: [...kernel], pads: [...pads, ...pads], strides, ...ceil },
    shape: [n!, c!, size(0, h!), size(1, w!)],
  };
}

export const pool = ofReal((builder, { name, shape: from }) => {
  const { random } = builder;
  const { attributes, shape } = window(builder, from);
  const one = [...from.slice(0, 2), 1, 1];
  const made = (op: string, more: object, dims: readonly number[]) => ({
    name: builder.node(op, [name], { ...more }),
    shape: dims,
  });
  switch (random.pick(['max', 'max', 'average', 'average', 'global', 'mean'])) {
    case 'max':
      return made('MaxPool', attributes, shape);
    case 'average': {
      const counts = random.chance(0.6) ? { count_include_pad: flag(random) } : {};
      return made('AveragePool', { ...attributes, ...counts }, shape);
    }
    case 'global':
      return made('GlobalAveragePool', {}, one);
    default: {
      const keepdims = random.chance(0.7) ? { keepdims: flag(random) } : {};
      return made('ReduceMean', { axes: [2, 3], ...keepdims }, (keepdims.keepdims ?? 1) === 1 ? one : one.slice(0, 2));
    }
  }
}, isImage);

export const qlinearPool = ofBytes((builder, x) => {
  const { random } = builder;
  const { attributes, shape } = window(builder, x.shape);
  if (random.chance(0.3)) return { ...x, name: builder.node('MaxPool', [x.name], attributes), shape };
  const output = sameType(builder, x.quantization);
  const inputs = [...operandsOf(x), output.scale, output.zeroPoint];
  const last = random.integer(0, 3) >> 1;
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const pooled = last ? window(builder, [n, c, h, w]) : { attributes, shape };
  const isGlobal = random.chance(0.5);
  const more = isGlobal ? {} : { ...pooled.attributes, count_include_pad: flag(random) };
  const op = isGlobal ? 'QLinearGlobalAveragePool' : 'QLinearAveragePool';
  const name = builder.node(op, inputs, { ...more, channels_last: last }, 'com.microsoft');
  const [, channels, height, width] = isGlobal ? [n, pooled.shape[1]!, 1, 1] : pooled.shape;
  return bytesWith(name, last ? [n, height!, width!, channels!] : [n, channels!, height!, width!], output);
}, isImage);
