import { InvalidModelError } from '../../errors.ts';
import { BUDGET } from '../../graph/budget.ts';
import { newElementData, type GraphNode } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';
import type { Layer } from '../layer.ts';
import { extent } from '../layout.ts';
import {
  askEngine,
  expectOperands,
  integers,
  label,
  placeOf,
  refuse,
  type Operator,
  type OpContext,
} from '../operator.ts';
import { floatBias, floatConstant } from './conv.ts';
import { float32Of } from './element.ts';
import { sumProducts, wholeFours } from './product_sum.ts';

interface Transposed extends Omit<Layer<'conv_transpose_float32'>, 'kind' | 'node' | 'op' | 'reads' | 'writes'> {
  readonly shape: readonly number[];
}

/** The window: of the output, over which what each pixel of the input leads to slides. */
function windowOf(node: GraphNode, kernel: readonly [number, number], input: readonly [number, number]) {
  const strides = integers(node, 'strides', 2, 1) as [number, number];
  const dilations = integers(node, 'dilations', 2, 1) as [number, number];
  const pads = integers(node, 'pads', 4, 0) as [number, number, number, number];
  const more = integers(node, 'output_padding', 2, 0) as [number, number];
  const mode = String(node.attributes['auto_pad'] ?? 'NOTSET');
  if (mode !== 'NOTSET' || node.attributes['output_shape'] !== undefined)
    return refuse(
      node,
      mode === 'NOTSET' ? 'an output_shape' : `auto_pad ${mode}`,
      'explicit pads, and output_padding',
    );
  const [y, x] = [0, 1].map(
    (i) => (input[i]! - 1) * strides[i]! - pads[i]! - pads[i + 2]! + dilations[i]! * (kernel[i]! - 1) + 1 + more[i]!,
  ) as [number, number];
  if ([...strides, ...dilations, y, x].some((length) => length < 1 || length > BUDGET.length))
    throw new InvalidModelError(
      `${label(node)}: a transposed convolution of ${input.join(' by ')} to ${y} by ${x}, strides ${strides.join(', ')}, ` +
        `dilations ${dilations.join(', ')}; all are from 1 to ${BUDGET.length}`,
    );
  return { kernel, strides, dilations, pads, size: [y, x] as const };
}

function transposedOf(node: GraphNode, context: OpContext): Transposed {
  const input = context.info(node.inputs[0]!);
  const weight = floatConstant(node, context, node.inputs[1]!);
  const { shape } = input;
  if (shape.length !== 4 || weight.shape.length !== 4)
    return refuse(
      node,
      `input of shape [${shape.join(', ')}], weights [${weight.shape.join(', ')}]`,
      '2-D transposed convolution',
    );
  const groups = Number(node.attributes['group'] ?? 1);
  const [channels, ofGroup, ...kernel] = weight.shape as [number, number, number, number];
  if (shape[1] !== channels || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new InvalidModelError(
      `${label(node)}: input channels ${shape[1]}, weights [${weight.shape.join(', ')}], group ${groups} do not fit`,
    );
  const window = windowOf(node, kernel, [shape[2]!, shape[3]!]);
  const outputs = ofGroup * groups;
  const columns = shape[2]! * shape[3]!;
  const depth = channels / groups;
  const rows = ofGroup * kernel[0] * kernel[1];
  // onnxruntime has another order there, which is not known
  if (rows === 1 && columns === 1) refuse(node, 'one value of one pixel', 'several');
  const order = askEngine(node, () =>
    float32Of(node, context).products({ rows, depth, columns, packed: false, transposed: true }),
  );
  const bias = floatBias(node, context, outputs);
  return {
    ...{ shape: [shape[0]!, outputs, ...window.size], window, groups },
    order: { ...order, depth, from: wholeFours(columns) },
    filters: weight.data as Float32Array,
    ...(bias && { bias }),
  };
}

/**
 * ConvTranspose: x [N, C, H, W], w [C, O / group, kh, kw], bias [O]; y [N, O, H', W'], all float32. For each tap of the kernel
 * the sum over the channels of the pixel that it leads there from; these are added to 0, tap by tap, then the bias.
 */
export const floatConvTranspose: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const { type, name } = context.info(node.inputs[0]!);
    if (type !== 'float32') refuse(node, `'${name}' is ${type}`, 'float32, in which engines compute it');
    return { name: node.outputs[0]!, type: 'float32', shape: transposedOf(node, context).shape };
  },

  reference(node, context, operand) {
    const { shape, window, groups, filters, order, bias } = transposedOf(node, context);
    const { channels, height, width } = extent(context.info(node.inputs[0]!));
    const [images, outputs] = shape as [number, number];
    const { kernel, strides, dilations, pads, size } = window;
    const [plane, outPlane, taps] = [height * width, size[0] * size[1], kernel[0] * kernel[1]];
    const [inGroup, outGroup] = [channels / groups, outputs / groups];
    const x = operand(0) as Float32Array;
    const data = newElementData('float32', images * outputs * outPlane);
    for (let image = 0; image < images; image++)
      for (let o = 0; o < outputs; o++) {
        const group = Math.floor(o / outGroup);
        const y = data.subarray((image * outputs + o) * outPlane, (image * outputs + o + 1) * outPlane);
        const first = image * channels + group * inGroup;
        for (let tap = 0; tap < taps; tap++) {
          const weight = (c: number): number =>
            filters[((group * inGroup + c) * outGroup + (o % outGroup)) * taps + tap]!;
          for (let pixel = 0; pixel < plane; pixel++) {
            const row = Math.floor(pixel / width) * strides[0] - pads[0] + Math.floor(tap / kernel[1]) * dilations[0];
            const column = (pixel % width) * strides[1] - pads[1] + (tap % kernel[1]) * dilations[1];
            if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
            const sum = sumProducts(order, pixel, (c) => f32(x[(first + c) * plane + pixel]! * weight(c)));
            y[row * size[1] + column] = f32(y[row * size[1] + column]! + sum);
          }
        }
        if (bias) for (const [i, v] of y.entries()) y[i] = f32(v + bias[o]!);
      }
    return { data };
  },

  layer(node, context) {
    const { shape: _, ...transposed } = transposedOf(node, context);
    return { kind: 'conv_transpose_float32', ...placeOf(node, context), ...transposed };
  },
};
