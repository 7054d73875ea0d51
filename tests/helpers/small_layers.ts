import { Random } from '../../models/random.ts';
import type { Graph, Quantization } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';

interface SmallLayer {
  readonly channels: readonly [input: number, output: number];
  readonly stride: number;
  readonly depthwise?: boolean;
  readonly type?: 'uint8' | 'int8';
  readonly weightType?: 'uint8' | 'int8';
  readonly weightZero?: number;
}

const HEIGHT = 12;
const WIDTH = 10;

/** A 3x3 convolution of random bytes, padded by 1, its input's zero point not 0: every fault shows. */
export function smallLayer(
  { channels, stride, depthwise = false, type = 'uint8', weightType = 'int8', weightZero = 0 }: SmallLayer,
  seed: number,
): { graph: Graph; feeds: { x: Tensor } } {
  const random = new Random(seed);
  const [input, output] = channels;
  const per = (type: 'uint8' | 'int8'): number => (type === 'uint8' ? 0 : -128);
  const bytes = (type: 'uint8' | 'int8', count: number): Uint8Array | Int8Array => {
    const values = Array.from({ length: count }, () => random.integer(0, 255) + per(type));
    return type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
  };
  const whole = (scale: number, zero: number): Quantization => ({
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(zero),
  });
  const terms = depthwise ? 1 : input;
  const weightScale = Float32Array.from({ length: output }, () => random.scale(0.002, 0.02));
  const shape = [1, input, HEIGHT, WIDTH];
  return {
    graph: {
      name: 'small',
      format: 'onnx',
      engine: 'onnxruntime',
      nodes: [
        {
          name: 'n',
          op: 'Conv',
          inputs: ['x', 'w', 'b'],
          outputs: ['y'],
          attributes: { strides: [stride, stride], pads: [1, 1, 1, 1], group: depthwise ? input : 1 },
        },
      ],
      inputs: [{ name: 'x', type, shape, quantization: whole(0.02, 117 + per(type)) }],
      outputs: ['y'],
      constants: new Map([
        [
          'w',
          {
            name: 'w',
            type: weightType,
            shape: [output, terms, 3, 3],
            data: bytes(weightType, output * terms * 9),
            quantization: { scale: weightScale, zeroPoint: new Int32Array(output).fill(weightZero), axis: 0 },
          },
        ],
        [
          'b',
          {
            name: 'b',
            type: 'int32',
            shape: [output],
            data: Int32Array.from({ length: output }, () => random.integer(-30_000, 30_000)),
          },
        ],
      ]),
      tensors: new Map([['y', { name: 'y', type, quantization: whole(0.05 * terms, 100 + per(type)) }]]),
    },
    feeds: { x: new Tensor(type, bytes(type, input * HEIGHT * WIDTH) as never, shape) },
  };
}
