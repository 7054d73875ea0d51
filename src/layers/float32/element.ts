import { InvalidModelError } from '../../errors.ts';
import { elementCount, newElementData, type GraphNode, type TensorInfo } from '../../graph/graph.ts';
import type { Float32Function, Float32Operators } from '../../engines/engine.ts';
import { extent, type Extent } from '../layout.ts';
import { askEngine, expectOperands, label, placeOf, refuse, type Operator, type OpContext } from '../operator.ts';

/** The engine's float32 operators. */
export function float32Of(node: GraphNode, context: OpContext): Float32Operators {
  const { float32, name } = context.engine;
  return float32 ?? refuse(node, `engine '${name}'`, 'engines whose float32 arithmetic is known: onnxruntime');
}

/**
 * The operator for floats where the operands that are computed are, and the engine has its arithmetic; else that for bytes.
 *
 * @param may asked of nodes whose operands are floats
 */
export function orFloat32(
  bytes: Operator,
  floats: Operator,
  may: (node: GraphNode, context: OpContext) => boolean = () => true,
): Operator {
  const of = (node: GraphNode, context: OpContext): Operator => {
    const computed = node.inputs.filter((name) => name !== '' && !context.constant(name));
    const isFloat = computed.length > 0 && computed.every((name) => context.info(name).type === 'float32');
    return isFloat && context.engine.float32 && may(node, context) ? floats : bytes;
  };
  return {
    infer: (node, context) => of(node, context).infer(node, context),
    fold: (node, context) => of(node, context).fold?.(node, context),
    reference: (node, context, operand) => of(node, context).reference(node, context, operand),
    define: (node, context) => of(node, context).define?.(node, context),
    layer: (node, context) => of(node, context).layer(node, context),
  };
}

/** Of an element-wise operator: those of its operands behind the first `tensors` that are constants are a part of it. */
function functionOf(node: GraphNode, context: OpContext, tensors: number): Float32Function {
  const constants = node.inputs.slice(tensors).map((name) => {
    const constant = name === '' ? undefined : context.constant(name);
    if (name !== '' && constant?.data.length !== 1) return refuse(node, `'${name}' is no single constant`, 'one value');
    return constant && Number(constant.data[0]);
  });
  const { op, attributes } = node;
  const f = askEngine(node, () => float32Of(node, context).element({ op, attributes, constants }));
  return f ?? refuse(node, 'float32 operands', 'operators whose float32 arithmetic is known');
}

/** An element-wise function of one tensor, float32 (`from`: or another type), to float32. */
const functionOperator = (from: TensorInfo['type']): Operator => ({
  infer(node, context) {
    expectOperands(node, 1);
    const input = context.info(node.inputs[0]!);
    if (input.type !== from) refuse(node, `input '${input.name}' is ${input.type}`, from);
    functionOf(node, context, 1);
    return { name: node.outputs[0]!, type: 'float32', shape: input.shape };
  },
  reference(node, context, operand) {
    const f = functionOf(node, context, 1);
    return { data: Float32Array.from(operand(0) as Float32Array, (x) => f.at(x)) };
  },
  layer: (node, context) => ({
    kind: 'function',
    ...placeOf(node, context),
    function: functionOf(node, context, 1),
  }),
});

/** An element-wise function of one float32 tensor. */
export const elementwise = functionOperator('float32');

/** TensorProto.DataType of float32. */
const FLOAT = 1;

const fromInt32 = functionOperator('int32');

/** Cast of int32 sums to float32, rounded. */
export const cast: Operator = {
  ...fromInt32,
  infer(node, context) {
    if (Number(node.attributes['to']) !== FLOAT) refuse(node, `to type ${node.attributes['to']}`, '1 (float32)');
    return fromInt32.infer(node, context);
  },
};

/** ONNX's shape of an element-wise result. */
function commonShape(node: GraphNode, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((one) => one !== 1) ?? 1;
    if (sizes.some((one) => one !== 1 && one !== size))
      throw new InvalidModelError(`${label(node)}: shapes ${shapes.map((s) => `[${s.join(', ')}]`).join(' and ')}`);
    return size;
  });
}

/** A shape of as many dimensions as another: ONNX puts ones before it. */
const widened = (shape: readonly number[], rank: number): number[] => [
  ...Array.from({ length: rank - shape.length }, () => 1),
  ...shape,
];

/** How an operand lies in memory, by the coordinates of the output, along which it has its size, or 1. */
function alignedExtent(node: GraphNode, context: OpContext, info: TensorInfo, shape: readonly number[]): Extent {
  const wide = widened(info.shape, shape.length);
  const refused = () =>
    refuse(
      node,
      `'${info.name}' of shape [${info.shape.join(', ')}] for [${shape.join(', ')}]`,
      'operands that have all dimensions but some of four, or all before the last',
    );
  // of four dimensions as of any others, one value lies where it lies
  const isOne = elementCount(info.shape) === 1;
  if (shape.length === 4) {
    if (info.shape.length !== 4 && !isOne && !context.constant(info.name)) return refused();
    return extent({ ...info, shape: wide });
  }
  const [before, whole] = [wide.slice(0, -1), shape.slice(0, -1)];
  const isWhole = before.every((d, axis) => d === whole[axis]);
  if (!isWhole && elementCount(before) !== 1) return refused();
  if (info.shape.length === 4 && !isOne) return refused();
  return extent({ ...info, shape: [elementCount(before), wide.at(-1) ?? 1] });
}

const operandsOf = (node: GraphNode, context: OpContext): [TensorInfo, TensorInfo] => [
  context.info(node.inputs[0]!),
  context.info(node.inputs[1]!),
];

/** An element-wise function of two float32 tensors, either of which may be broadcast. */
export const operation: Operator = {
  infer(node, context) {
    expectOperands(node, 2);
    const operands = operandsOf(node, context);
    for (const { name, type } of operands) if (type !== 'float32') refuse(node, `'${name}' is ${type}`, 'float32');
    functionOf(node, context, 2);
    const shape = commonShape(
      node,
      operands.map((info) => info.shape),
    );
    for (const info of operands) alignedExtent(node, context, info, shape);
    return { name: node.outputs[0]!, type: 'float32', shape };
  },
  reference(node, context, operand) {
    const { shape } = context.info(node.outputs[0]!);
    const f = functionOf(node, context, 2);
    const data = newElementData('float32', elementCount(shape));
    const operands = operandsOf(node, context).map((info, i) => {
      const wide = widened(info.shape, shape.length);
      let step = 1;
      const steps = wide.map(() => 0);
      for (let axis = wide.length - 1; axis >= 0; axis--) {
        if (wide[axis] !== 1) steps[axis] = step;
        step *= wide[axis]!;
      }
      return { x: operand(i) as Float32Array, steps };
    });
    const [a, b] = operands as [(typeof operands)[0], (typeof operands)[0]];
    for (let i = 0; i < data.length; i++) {
      let [rest, at, bt] = [i, 0, 0];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const place = rest % shape[axis]!;
        at += place * a.steps[axis]!;
        bt += place * b.steps[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      data[i] = f.at(a.x[at]!, b.x[bt]!);
    }
    return { data };
  },
  layer(node, context) {
    const place = placeOf(node, context);
    const operands = operandsOf(node, context);
    const { shape } = place.writes;
    return {
      kind: 'operation',
      ...place,
      // a constant lies in memory as an image does, if what it is broadcast to is one
      reads: operands.map((info) =>
        shape.length === 4 && context.constant(info.name) ? { ...info, shape: widened(info.shape, 4) } : info,
      ),
      constants: node.inputs.flatMap((name) => context.constant(name) ?? []),
      extents: operands.map((info) => alignedExtent(node, context, info, shape)),
      function: functionOf(node, context, 2),
    };
  },
};
