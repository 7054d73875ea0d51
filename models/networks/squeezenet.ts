import { INPUT, type Network } from '../network.ts';
import { SeededLayers } from './seeded.ts';

/** SqueezeNet 1.1 (Iandola et al. 2016): [after a pooling, squeeze, expand] of each fire module. */
const FIRES: readonly (readonly [pool: boolean, squeeze: number, expand: number])[] = [
  [true, 16, 64],
  [false, 16, 64],
  [true, 32, 128],
  [false, 32, 128],
  [true, 48, 192],
  [false, 48, 192],
  [false, 64, 256],
  [false, 64, 256],
];

/** SqueezeNet 1.1 for 224 x 224 pixels, with seeded weights. */
export function squeezenet(): Network {
  const net = new SeededLayers(11, INPUT, 3);
  const relu = { activation: 'relu' } as const;
  let x = net.conv('conv1', INPUT, 64, { kernel: 3, stride: 2, ...relu });
  for (const [index, [pool, squeeze, expand]] of FIRES.entries()) {
    const fire = `fire${index + 2}`;
    if (pool) {
      const window = { kernel: [3, 3], stride: 2, pads: [0, 0, 0, 0] } as const;
      x = net.add({ kind: 'max_pool', name: `${fire}.pool`, inputs: [x], ...window });
    }
    x = net.conv(`${fire}.squeeze`, x, squeeze, relu);
    const inputs = [
      net.conv(`${fire}.expand1x1`, x, expand, relu),
      net.conv(`${fire}.expand3x3`, x, expand, { kernel: 3, ...relu }),
    ];
    x = net.add({ kind: 'concat', name: fire, inputs }, 2 * expand);
  }
  x = net.conv('conv10', x, 1000, relu);
  x = net.add({ kind: 'average', name: 'average', inputs: [x] });
  net.add({ kind: 'flatten', name: 'flatten', inputs: [x] });
  return { name: 'squeezenet_1_1', layers: net.layers, classes: 1000, input: { size: 224, range: [0, 1] } };
}
