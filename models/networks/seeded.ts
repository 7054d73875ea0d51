import { Random } from '../random.ts';
import type { Activation, Layer, WeightedLayer } from '../network.ts';

interface Convolution {
  readonly kernel?: number;
  readonly stride?: number;
  /** Every input channel by itself. */
  readonly depthwise?: boolean;
  readonly activation?: Activation;
}

/**
 * Layers with weights drawn from a seed, for networks whose trained weights no registry package ships: normally
 * distributed, with the variance that keeps the size of activations from layer to layer.
 */
export class SeededLayers {
  readonly layers: Layer[] = [];
  readonly #random: Random;
  /** Channels of each layer's output. */
  readonly #channels = new Map<string, number>();

  constructor(seed: number, input: string, channels: number) {
    this.#random = new Random(seed);
    this.#channels.set(input, channels);
  }

  channels(tensor: string): number {
    return this.#channels.get(tensor)!;
  }

  /** Padded so that a stride of 1 keeps the size. @returns the layer's name, as the other methods do */
  conv(name: string, input: string, outputs: number, options: Convolution = {}): string {
    const { kernel = 1, stride = 1, depthwise = false, activation = 'linear' } = options;
    const pad = (kernel - 1) >> 1;
    const perGroup = depthwise ? 1 : this.channels(input);
    const weights = this.#weights([outputs, perGroup, kernel, kernel]);
    const pads = [pad, pad, pad, pad];
    const group = depthwise ? outputs : 1;
    return this.add({ kind: 'conv', name, input, ...weights, activation, stride, pads, group }, outputs);
  }

  dense(name: string, input: string, outputs: number): string {
    const weights = this.#weights([outputs, this.channels(input)]);
    const none = [0, 0, 0, 0];
    return this.add(
      { kind: 'dense', name, input, ...weights, activation: 'linear', stride: 1, pads: none, group: 1 },
      outputs,
    );
  }

  add(layer: Layer, channels = this.channels('input' in layer ? layer.input : layer.inputs[0]!)): string {
    this.layers.push(layer);
    this.#channels.set(layer.name, channels);
    return layer.name;
  }

  #weights(shape: readonly number[]): Pick<WeightedLayer, 'shape' | 'weight' | 'bias'> {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const deviation = Math.sqrt(2 / (count / shape[0]!));
    return {
      shape,
      weight: Float64Array.from({ length: count }, () => deviation * this.#normal()),
      bias: Float64Array.from({ length: shape[0]! }, () => 0.1 * this.#normal()),
    };
  }

  /** Box and Muller's. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random.unit()));
    return radius * Math.cos(2 * Math.PI * this.#random.unit());
  }
}
