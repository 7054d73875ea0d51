import { INPUT, type Network } from '../network.ts';
import { SeededLayers } from './seeded.ts';

interface Block {
  readonly kernel: number;
  readonly expand: number;
  readonly outputs: number;
  readonly squeeze: boolean;
  readonly hardSwish: boolean;
  readonly stride: number;
}

const block = (
  kernel: number,
  expand: number,
  outputs: number,
  squeeze: boolean,
  hardSwish: boolean,
  stride: number,
): Block => ({ kernel, expand, outputs, squeeze, hardSwish, stride });

/** MobileNetV3-Small (Howard et al. 2019, table 2). */
const BLOCKS: readonly Block[] = [
  block(3, 16, 16, true, false, 2),
  block(3, 72, 24, false, false, 2),
  block(3, 88, 24, false, false, 1),
  block(5, 96, 40, true, true, 2),
  block(5, 240, 40, true, true, 1),
  block(5, 240, 40, true, true, 1),
  block(5, 120, 48, true, true, 1),
  block(5, 144, 48, true, true, 1),
  block(5, 288, 96, true, true, 2),
  block(5, 576, 96, true, true, 1),
  block(5, 576, 96, true, true, 1),
];

/** A quarter of the channels, to a multiple of eight, as the reference implementation rounds. */
const squeezed = (channels: number): number => Math.max(8, Math.floor((channels / 4 + 4) / 8) * 8);

/** MobileNetV3-Small 1.0 for 224 x 224 pixels, with seeded weights: HardSwish, squeeze and excitation by HardSigmoid. */
export function mobilenetV3(): Network {
  const net = new SeededLayers(3, INPUT, 3);

  const nonlinear = (hardSwish: boolean, name: string, x: string, outputs: number, options: object = {}): string => {
    if (!hardSwish) return net.conv(name, x, outputs, { ...options, activation: 'relu' });
    const linear = net.conv(`${name}.conv`, x, outputs, options);
    return net.add({ kind: 'hard_swish', name, inputs: [linear] });
  };

  const excite = (name: string, x: string): string => {
    const channels = net.channels(x);
    const mean = net.add({ kind: 'average', name: `${name}.mean`, inputs: [x] });
    const reduced = net.conv(`${name}.reduce`, mean, squeezed(channels), { activation: 'relu' });
    const expanded = net.conv(`${name}.expand`, reduced, channels);
    const gate = net.add({ kind: 'hard_sigmoid', name: `${name}.gate`, inputs: [expanded] });
    return net.add({ kind: 'mul', name, inputs: [x, gate] });
  };

  let x = nonlinear(true, 'stem', INPUT, 16, { kernel: 3, stride: 2 });
  for (const [index, { kernel, expand, outputs, squeeze, hardSwish, stride }] of BLOCKS.entries()) {
    const name = `block${index}`;
    const input = x;
    if (expand !== net.channels(x)) x = nonlinear(hardSwish, `${name}.expand`, x, expand);
    x = nonlinear(hardSwish, `${name}.depthwise`, x, expand, { kernel, stride, depthwise: true });
    if (squeeze) x = excite(`${name}.excite`, x);
    x = net.conv(`${name}.project`, x, outputs);
    if (stride === 1 && net.channels(input) === outputs)
      x = net.add({ kind: 'add', name: `${name}.add`, inputs: [input, x] });
  }
  x = nonlinear(true, 'last', x, 576);
  x = net.add({ kind: 'average', name: 'average', inputs: [x] });
  x = net.add({ kind: 'flatten', name: 'flatten', inputs: [x] });
  x = net.dense('hidden.linear', x, 1024);
  x = net.add({ kind: 'hard_swish', name: 'hidden', inputs: [x] });
  net.dense('classifier', x, 1000);
  return { name: 'mobilenet_v3_small', layers: net.layers, classes: 1000, input: { size: 224, range: [0, 1] } };
}
