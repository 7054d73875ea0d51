import { INPUT, type Network } from '../network.ts';
import { SeededLayers } from './seeded.ts';

/** Expansion, channels, repetitions, stride of the first: MobileNetV2 (Sandler et al. 2018, table 2). */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const FIRST = 32;
const LAST = 1280;
const CLASSES = 1000;

/** To the nearest multiple of eight, but never below nine tenths, as the reference implementation rounds. */
function scaled(channels: number, width: number): number {
  const wanted = channels * width;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

/**
 * MobileNetV2 of any width and size, with seeded weights.
 *
 * @param width multiplier of all channels; the last layer's never get fewer
 * @param size of a side of the picture, a multiple of 32
 */
export function mobilenetV2(width: number, size: number): Network {
  const net = new SeededLayers(2, INPUT, 3);
  let x = net.conv('first', INPUT, scaled(FIRST, width), { kernel: 3, stride: 2, activation: 'relu6' });
  for (const [index, [expand, channels, repetitions, firstStride]] of BLOCKS.entries())
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const name = `block${index}.${repetition}`;
      const input = x;
      const [inputs, outputs] = [net.channels(x), scaled(channels, width)];
      const stride = repetition === 0 ? firstStride : 1;
      if (expand > 1) x = net.conv(`${name}.expand`, x, inputs * expand, { activation: 'relu6' });
      const depthwise = { kernel: 3, stride, depthwise: true, activation: 'relu6' } as const;
      x = net.conv(`${name}.depthwise`, x, inputs * expand, depthwise);
      x = net.conv(`${name}.project`, x, outputs);
      if (stride === 1 && inputs === outputs) x = net.add({ kind: 'add', name: `${name}.add`, inputs: [input, x] });
    }
  x = net.conv('last', x, scaled(LAST, Math.max(1, width)), { activation: 'relu6' });
  x = net.add({ kind: 'average', name: 'average', inputs: [x] });
  x = net.add({ kind: 'flatten', name: 'flatten', inputs: [x] });
  net.dense('classifier', x, CLASSES);
  return {
    name: `mobilenet_v2_${width}_${size}`,
    layers: net.layers,
    classes: CLASSES,
    input: { size, range: [0, 1] },
  };
}
