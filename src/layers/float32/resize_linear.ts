import { elementCount, newElementData } from '../../graph/graph.ts';
import { f32 } from '../../engines/rounding.ts';
import { expectOperands, placeOf, type Operator } from '../operator.ts';
import { axesOf, interpolate } from '../resize_linear.ts';
import { float32Of } from './element.ts';

/**
 * Resize by linear interpolation of float32 [N, C, H, W]: of four values each is multiplied with the product of its weights,
 * and they are added row by row.
 */
export const floatResizeLinear: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    float32Of(node, context);
    return { name: node.outputs[0]!, type: 'float32', shape: axesOf(node, context).shape };
  },
  reference(node, context, operand) {
    const axes = axesOf(node, context);
    const x = operand(0) as Float32Array;
    const data = newElementData('float32', elementCount(axes.shape));
    interpolate(axes, context.info(node.inputs[0]!).shape, (i, places, weights) => {
      data[i] = places.map((place, k) => f32(weights[k]! * x[place]!)).reduce((sum, one) => f32(sum + one));
    });
    return { data };
  },
  layer(node, context) {
    const { rows, columns } = axesOf(node, context);
    return { kind: 'resize_linear_float32', ...placeOf(node, context), rows, columns };
  },
};
