import { newElementData, type GraphNode, type TensorInfo } from '../../graph/graph.ts';
import { elementCount } from '../../graph/graph.ts';
import type { Layer } from '../layer.ts';
import { axisOf } from '../moves/move.ts';
import { expectOperands, placeOf, refuse, type Operator } from '../operator.ts';
import { float32Of } from './element.ts';

/** The axis of the rows. Before operator set 13 all dimensions from it on are one row. */
function rowAxis(node: GraphNode, { shape }: TensorInfo): number {
  const axis = axisOf(node, Number(node.attributes['axis'] ?? -1), shape.length);
  if (Number(node.attributes['opset'] ?? 13) >= 13) return axis;
  const others = shape
    .slice(axis)
    .map((d, i) => [d, i + axis] as const)
    .filter(([d]) => d !== 1);
  if (others.length > 1)
    return refuse(node, `over [${shape.slice(axis).join(', ')}] of operator set 12`, 'rows along one axis');
  return others[0]?.[1] ?? axis;
}

/** Rows of a float32 tensor along any axis. */
export const floatSoftmax: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const info = context.info(node.inputs[0]!);
    if (info.shape.length === 0) return refuse(node, 'a single value', 'inputs with dimensions');
    rowAxis(node, info);
    float32Of(node, context);
    return { name: node.outputs[0]!, type: 'float32', shape: info.shape };
  },
  reference(node, context, operand) {
    const info = context.info(node.inputs[0]!);
    const { softmax } = float32Of(node, context);
    const axis = rowAxis(node, info);
    const x = operand(0) as Float32Array;
    const data = newElementData('float32', x.length);
    const length = info.shape[axis]!;
    const step = elementCount(info.shape.slice(axis + 1));
    for (let row = 0; row < x.length / length; row++) {
      const first = Math.floor(row / step) * step * length + (row % step);
      const y = softmax.row(Float32Array.from({ length }, (_, i) => x[first + i * step]!));
      for (const [i, v] of y.entries()) data[first + i * step] = v;
    }
    return { data };
  },
  layer(node, context): Layer<'softmax_float32'> {
    const place = placeOf(node, context);
    const { constants } = float32Of(node, context).softmax;
    return { kind: 'softmax_float32', ...place, axis: rowAxis(node, place.writes), constants };
  },
};
