import { writeInt8Model } from '../../models/int8_model.ts';
import { INPUT, type Network } from '../../models/network.ts';
import { measureRanges } from '../../models/networks/quantize.ts';
import { SeededLayers } from '../../models/networks/seeded.ts';
import { Random } from '../../models/random.ts';

const SIZE = 16;

/** A convolution, an inverted residual block with its add, a classifier: every kind of layer that has variants. */
function smallNetwork(): Network {
  const net = new SeededLayers(5, INPUT, 3);
  const x = net.conv('first', INPUT, 8, { kernel: 3, stride: 2, activation: 'relu6' });
  net.conv('expand', x, 24, { activation: 'relu6' });
  net.conv('depthwise', 'expand', 24, { kernel: 3, depthwise: true, activation: 'relu6' });
  net.conv('project', 'depthwise', 8);
  net.add({ kind: 'add', name: 'sum', inputs: [x, 'project'] });
  net.add({ kind: 'average', name: 'average', inputs: ['sum'] });
  net.add({ kind: 'flatten', name: 'flatten', inputs: ['average'] });
  net.dense('classifier', 'flatten', 5);
  return { name: 'small', layers: net.layers, classes: 5, input: { size: SIZE, range: [0, 1] } };
}

/** An ONNX file of the small network, with seeded weights. */
export async function smallModel(): Promise<Uint8Array> {
  const random = new Random(1);
  const picture = Float32Array.from({ length: 3 * SIZE * SIZE }, () => random.unit());
  const network = smallNetwork();
  return writeInt8Model(network, await measureRanges(network, [picture]), 'a test');
}
