import { newElementData, type Constant, type GraphNode, type TensorInfo } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';
import { geometryOf } from '../conv.ts';
import type { Layer, Window } from '../layer.ts';
import { extent } from '../layout.ts';
import { askEngine, expectOperands, label, placeOf, refuse, type Operator, type OpContext } from '../operator.ts';
import { InvalidModelError } from '../../errors.ts';
import { float32Of } from './element.ts';
import { sumProducts, wholeFours } from './product_sum.ts';

/** Weights, or a bias: finite, for what lies in the padding adds products of 0. */
export function floatConstant(node: GraphNode, context: OpContext, name: string): Constant {
  const constant = context.constant(name);
  if (!constant) return refuse(node, `'${name}' is computed`, 'constant weights and biases of float32');
  const { data, type } = constant;
  if (!(data instanceof Float32Array)) return refuse(node, `'${name}' is ${type}`, 'float32, as the input is');
  if (!data.every(Number.isFinite)) return refuse(node, `'${name}' has values that are not finite`, 'finite weights');
  return constant;
}

/** A bias of so many channels; undefined where there is none. */
export function floatBias(node: GraphNode, context: OpContext, channels: number): Float32Array | undefined {
  if (!node.inputs[2]) return undefined;
  const { data } = floatConstant(node, context, node.inputs[2]);
  if (data.length !== channels)
    throw new InvalidModelError(`${label(node)}: ${data.length} bias values for ${channels} output channels`);
  return data as Float32Array;
}

/** Another tensor that the sums are added to: of the output's shape. */
export function addendOf(node: GraphNode, context: OpContext, shape: readonly number[]): TensorInfo | undefined {
  const name = node.inputs[3];
  if (!name) return undefined;
  const info = context.info(name);
  const isSame = info.shape.length === shape.length && info.shape.every((d, axis) => d === shape[axis]);
  if (!isSame || info.type !== 'float32' || context.constant(name))
    return refuse(
      node,
      `its result of shape [${shape.join(', ')}] is added to '${name}', ${info.type} [${info.shape.join(', ')}]`,
      'equal shapes, computed',
    );
  return info;
}

interface Convolution extends Omit<Layer<'conv_float32'>, 'kind' | 'node' | 'op' | 'reads' | 'writes'> {
  readonly shape: readonly number[];
}

function convolutionOf(node: GraphNode, context: OpContext): Convolution {
  const input = context.info(node.inputs[0]!);
  const weight = floatConstant(node, context, node.inputs[1]!);
  const { groups, ...window } = geometryOf(node, context, weight);
  const channels = weight.shape[0]!;
  const shape = [input.shape[0]!, channels, ...window.size];
  const columns = window.size[0] * window.size[1];
  const depth = weight.data.length / channels;
  const { width, height } = extent(input);
  const image = { window, width, height, channels: weight.shape[1]! };
  const order = askEngine(node, () =>
    float32Of(node, context).products({
      ...{ rows: channels / groups, depth, columns, image },
      ...{ packed: false, transposed: false },
    }),
  );
  const bias = floatBias(node, context, channels);
  if (node.attributes['addsConstant'] && columns === 1)
    refuse(node, 'one pixel, to which a constant of its shape is added', 'several pixels, or a constant of fewer axes');
  const addend = addendOf(node, context, shape);
  const bounds = node.attributes['bounds'] as readonly [number, number] | undefined;
  return {
    ...{ shape, window, groups, order: { ...order, depth, from: wholeFours(columns) }, along: 'pixels' },
    filters: weight.data as Float32Array,
    ...(bias && { bias, biasFirst: false }),
    // onnxruntime's sums begin with it
    ...(addend && { addend, addendFirst: true }),
    // of Clip what is left over of vectors is compared
    ...(bounds && {
      clamp: {
        bounds: [f32(bounds[0]), f32(bounds[1])],
        from: node.attributes['clips'] ? wholeFours(columns) : Infinity,
      },
    }),
  };
}

/** Where each product of a pixel has its input, of a group's first channel; -1 in the padding: [c][ky][kx]. */
function placesOf(window: Window, channels: number, [height, width]: readonly [number, number]) {
  const { kernel, strides, dilations, pads } = window;
  const places = new Int32Array(channels * kernel[0] * kernel[1]);
  return (oy: number, ox: number): Int32Array => {
    let i = 0;
    for (let c = 0; c < channels; c++)
      for (let ky = 0; ky < kernel[0]; ky++)
        for (let kx = 0; kx < kernel[1]; kx++) {
          const y = oy * strides[0] - pads[0] + ky * dilations[0];
          const x = ox * strides[1] - pads[1] + kx * dilations[1];
          const isInside = y >= 0 && y < height && x >= 0 && x < width;
          places[i++] = isInside ? (c * height + y) * width + x : -1;
        }
    return places;
  };
}

const clamped = (
  x: number,
  { bounds: [least, most], from }: NonNullable<Convolution['clamp']>,
  column: number,
): number => (column < from ? Math.min(Math.max(x, least), most) : x < least ? least : x > most ? most : x);

/** What a sum begins with, and what becomes of it. */
export function endsOf(
  { bias, biasFirst, addendFirst, clamp }: Pick<Convolution, 'bias' | 'biasFirst' | 'addendFirst' | 'clamp'>,
  addend: Float32Array | undefined,
) {
  return {
    start: (channel: number, index: number): number | undefined =>
      addend && addendFirst ? addend[index]! : biasFirst ? bias?.[channel] : undefined,
    end(sum: number, channel: number, index: number, column: number): number {
      const biased = bias && !biasFirst ? f32(sum + bias[channel]!) : sum;
      const all = addend && !addendFirst ? f32(biased + addend[index]!) : biased;
      return clamp ? clamped(all, clamp, column) : all;
    },
  };
}

/** Conv: x [N, C, H, W], w [O, C / group, kh, kw], bias [O], and what is added to the sums [N, O, H', W'], all float32. */
export const floatConv: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    return { name: node.outputs[0]!, type: 'float32', shape: convolutionOf(node, context).shape };
  },

  reference(node, context, operand) {
    const convolution = convolutionOf(node, context);
    const { shape, window, groups, filters, order } = convolution;
    const { channels, height, width } = extent(context.info(node.inputs[0]!));
    const [images, outputs] = shape as [number, number];
    const x = operand(0) as Float32Array;
    const { start, end } = endsOf(convolution, convolution.addend && (operand(3) as Float32Array));
    const data = newElementData('float32', images * outputs * window.size[0] * window.size[1]);
    const placesAt = placesOf(window, channels / groups, [height, width]);
    const pixels = window.size[0] * window.size[1];
    for (let pixel = 0; pixel < pixels; pixel++) {
      const places = placesAt(Math.floor(pixel / window.size[1]), pixel % window.size[1]);
      for (let image = 0; image < images; image++)
        for (let o = 0; o < outputs; o++) {
          const group = Math.floor(o / (outputs / groups));
          const first = (image * channels + group * (channels / groups)) * height * width;
          const product = (k: number): number =>
            f32((places[k]! < 0 ? 0 : x[first + places[k]!]!) * filters[o * order.depth + k]!);
          const index = (image * outputs + o) * pixels + pixel;
          data[index] = end(sumProducts(order, pixel, product, start(o, index)), o, index, pixel);
        }
    }
    return { data };
  },

  layer(node, context) {
    const { shape: _, ...convolution } = convolutionOf(node, context);
    return { kind: 'conv_float32', ...placeOf(node, context), ...convolution };
  },
};
