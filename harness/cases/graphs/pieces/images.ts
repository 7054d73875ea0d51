import { isImage, ofReal, type Builder, type Value } from '../builder.ts';

/** Of an image, what is no move: its normalizations, the largest of its rows and columns, another size between its pixels. */
export const ofImage = ofReal((builder, { name, shape }: Value) => {
  const { random } = builder;
  const [n, channels, height, width] = shape as readonly [number, number, number, number];
  switch (random.pick(['batch', 'instance', 'largest', 'linear', 'linear'] as const)) {
    case 'batch':
      return { name: builder.node('BatchNormalization', [name, ...parameters(builder, channels, 4)]), shape };
    case 'instance':
      return { name: builder.node('InstanceNormalization', [name, ...parameters(builder, channels, 2)]), shape };
    case 'largest': {
      const [axes, dims] = random.pick([
        [
          [2, 3],
          [1, 1],
        ],
        [[2], [1, width]],
        [[-1], [height, 1]],
      ] as const);
      return { name: builder.node('ReduceMax', [name], { axes }), shape: [n, channels, ...dims] };
    }
    default: {
      const dims = [random.integer(1, 2 * height), random.integer(1, 2 * width)];
      const sizes = builder.integers([n, channels, ...dims]);
      const mode = random.pick(['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel']);
      const attributes = { mode: 'linear', coordinate_transformation_mode: mode };
      return { name: builder.node('Resize', [name, '', '', sizes], attributes), shape: [n, channels, ...dims] };
    }
  }
}, isImage);

/** Constants of one value a channel, from 0.1 to 2. */
function parameters(builder: Builder, channels: number, count: number): string[] {
  return Array.from({ length: count }, () => {
    const values = Float32Array.from({ length: channels }, () => 0.1 + 1.9 * builder.random.unit());
    return builder.constant('c', values, [channels]);
  });
}
