import { InvalidModelError } from '../errors.ts';
import { elementCount, newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { axisOf, stridesOf } from './moves/move.ts';
import {
  byteInput,
  expectOperands,
  label,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';

interface Concatenation {
  readonly inputs: readonly TensorInfo[];
  readonly axis: number;
  readonly shape: readonly number[];
}

function concatenationOf(node: GraphNode, context: OpContext): Concatenation {
  const inputs = node.inputs.map((name) => context.info(name));
  const [first] = inputs as [TensorInfo];
  const axis = axisOf(node, Number(node.attributes['axis']), first.shape.length);
  for (const { name, shape } of inputs)
    if (shape.length !== first.shape.length || shape.some((d, i) => i !== axis && d !== first.shape[i]))
      throw new InvalidModelError(
        `${label(node)}: '${name}' has shape [${shape.join(', ')}], '${first.name}' [${first.shape.join(', ')}]; they differ beside axis ${axis}`,
      );
  const length = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  return { inputs, axis, shape: first.shape.map((d, i) => (i === axis ? length : d)) };
}

/** Which coordinate of the layout (batch, channel, height, width) an axis is. */
function coordinateOf(node: GraphNode, { axis, shape }: Concatenation): number {
  if (shape.length === 4) return axis;
  if (axis === shape.length - 1) return 1;
  if (elementCount(shape.slice(0, axis)) === 1) return 0;
  return refuse(node, `axis ${axis} of shape [${shape.join(', ')}]`, 'the first dimension that is not 1, or the last');
}

/** Concat of float32 tensors, or of 8-bit tensors of one quantization (an engine that requantizes does so before it). */
export const concat: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const concatenation = concatenationOf(node, context);
    coordinateOf(node, concatenation);
    const isFloat = concatenation.inputs.every(({ type }) => type === 'float32');
    if (isFloat && context.engine.float32)
      return { name: node.outputs[0]!, type: 'float32', shape: concatenation.shape };
    const output = quantizedOutput(node, context, concatenation.shape);
    const wanted = tensorQuantization(node, output);
    for (const input of concatenation.inputs) {
      byteInput(node, context, input.name);
      const { type, scale, zeroPoint } = tensorQuantization(node, input);
      if (type !== wanted.type || scale !== wanted.scale || zeroPoint !== wanted.zeroPoint)
        refuse(
          node,
          `'${input.name}' (${type}, scale ${scale}, zero point ${zeroPoint}) and the output (${wanted.type}, ${wanted.scale}, ${wanted.zeroPoint})`,
          'one quantization for all',
        );
    }
    return output;
  },

  reference(node, context, operand) {
    const { inputs, axis, shape } = concatenationOf(node, context);
    const data = newElementData(context.info(node.outputs[0]!).type, elementCount(shape));
    const stride = stridesOf(shape)[axis]!;
    let first = 0;
    for (const [number, info] of inputs.entries()) {
      const x = operand(number) as Uint8Array | Float32Array;
      const run = info.shape[axis]! * stride;
      for (let from = 0, to = first; from < x.length; from += run, to += shape[axis]! * stride)
        (data as Float32Array).set(x.subarray(from, from + run), to);
      first += run;
    }
    return { data };
  },

  layer(node, context) {
    const concatenation = concatenationOf(node, context);
    const { axis, inputs } = concatenation;
    const constants = node.inputs.flatMap((name) => context.constant(name) ?? []);
    const coordinate = coordinateOf(node, concatenation);
    return { kind: 'concat', ...placeOf(node, context), reads: inputs, axis, coordinate, constants };
  },
};
