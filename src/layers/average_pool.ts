import { newElementData, type GraphNode, type TensorInfo } from '../graph/graph.ts';
import { f32 } from '../engines/rounding.ts';
import type {
  AveragePoolFunctions,
  AveragePoolLayer,
  Engine,
  PoolLayer,
  ReduceFunctions,
  ReduceLayer,
  StepFunctions,
  SumOrder,
} from '../engines/engine.ts';
import type { Definition } from './definition.ts';
import { globalAveragePool, layerOf as poolLayerOf, layerOfSums, referenceOfSums } from './global_average_pool.ts';
import type { Layer, Window } from './layer.ts';
import { extent } from './layout.ts';
import { keepsDimensions, poolWindow, reducedAxes, reducedWindow } from './max_pool.ts';
import {
  askEngine,
  byteInput,
  clampOf,
  expectOperands,
  isTrue,
  loopOf,
  placeOf,
  quantizedOutput,
  refuse,
  tensorQuantization,
  type OpContext,
  type Operator,
} from './operator.ts';
import { countsOf, forEachWindow } from './window.ts';

function averageOf(
  node: GraphNode,
  context: OpContext,
  op: AveragePoolLayer['op'],
  output: TensorInfo = context.info(node.outputs[0]!),
): AveragePoolFunctions {
  const info = context.info(node.inputs[0]!);
  const input = tensorQuantization(node, info);
  const { channels } = extent(info);
  const { averagePool, name } = context.engine;
  const functions = askEngine(node, () =>
    averagePool?.({ op, channels, input, output: tensorQuantization(node, output), ...clampOf(node), ...loopOf(node) }),
  );
  return functions ?? refuse(node, `engine '${name}'`, `engines that define ${op}`);
}

/** How many divisors a pool may have, each of which is proved. */
const MOST_COUNTS = 256;

/** What a sum over `count` elements is divided by. */
function divisor(node: GraphNode, { kernel }: Window, { countsPads }: AveragePoolFunctions, count: number): number {
  return countsPads || isTrue(node, 'count_include_pad') ? kernel[0] * kernel[1] : count;
}

/** Is it a float operator of the engine's, whose results are quantized by the next? */
const isFloat = (node: GraphNode): boolean => isTrue(node, 'float');

/**
 * MLAS's float32 AveragePool of operator sets before 19 sums columns, then their sums, where its vectors can: measured on
 * onnxruntime-web.
 */
function sumsColumns(node: GraphNode, { kernel, strides, pads }: Window, width: number): boolean {
  if (!isFloat(node) || Number(node.attributes['opset']) >= 19) return false;
  return strides[1] <= 2 && Math.max(...kernel) <= 32 && width + pads[1] + pads[3] <= 2045;
}

const isWhole = ({ kernel, pads }: Window, [, , height, width]: readonly number[]): boolean =>
  kernel[0] === height && kernel[1] === width && !pads.some(Boolean);

/** On bytes, onnxruntime averages a window that is the whole plane as GlobalAveragePool does: by an integer sum. */
function isGlobal(node: GraphNode, context: OpContext): boolean {
  const { shape } = context.info(node.inputs[0]!);
  return !isFloat(node) && isWhole(poolWindow(node, context), shape);
}

/** A float32 average of the whole plane is summed in an order of its own. */
function expectPart(node: GraphNode, window: Window, shape: readonly number[]): void {
  const isAlone = isWhole(window, shape) && window.strides.every((s) => s === 1);
  if (isFloat(node) && isAlone && Number(node.attributes['opset']) < 19)
    refuse(node, 'a float32 average of the whole plane', 'windows that are a part of it');
  if (isFloat(node) && node.attributes['ceil_mode'] === 1)
    refuse(node, 'a float32 average with ceil_mode 1', 'ceil_mode 0');
}

/** Columns, then their sums: of MLAS where its vectors can; else as the engine says. */
function orderOf(node: GraphNode, window: Window, width: number, { order }: AveragePoolFunctions): SumOrder {
  const [rows, columns] = window.kernel;
  const elements = rows * columns;
  if (sumsColumns(node, window, width)) return { lines: columns, length: rows, lineStep: 1, step: columns };
  return askEngine(node, () => order?.(elements)) ?? { lines: 1, length: elements, lineStep: 0, step: 1 };
}

/** The float32 sum of values by their numbers in the window, undefined where there is none. */
export function sumInOrder(
  { lines, length, lineStep, step }: SumOrder,
  value: (element: number) => number | undefined,
) {
  let sums = 0;
  for (let line = 0; line < lines; line++) {
    let sum = 0;
    for (let along = 0; along < length; along++) sum = f32(sum + (value(line * lineStep + along * step) ?? 0));
    sums = f32(sums + sum);
  }
  return sums;
}

function reference(node: GraphNode, context: OpContext, op: AveragePoolLayer['op'], window: Window, x: Uint8Array) {
  const functions = averageOf(node, context, op);
  const { height, width } = extent(context.info(node.inputs[0]!));
  const order = orderOf(node, window, width, functions);
  const [plane, outPlane] = [height * width, window.size[0] * window.size[1]];
  const type = context.info(node.outputs[0]!).type as 'uint8' | 'int8';
  const data = newElementData(type, (x.length / plane) * outPlane);
  const placeOf: (number | undefined)[] = [];
  forEachWindow(window, [height, width], (at, places, elements) => {
    placeOf.length = 0;
    for (const [i, element] of elements.entries()) placeOf[element] = places[i]!;
    const f = functions.output(divisor(node, window, functions, places.length));
    for (let from = 0, to = at; from < x.length; from += plane, to += outPlane)
      data[to] = f(
        sumInOrder(order, (element) => {
          const place = placeOf[element];
          return place === undefined ? undefined : functions.value(x[from + place]!);
        }),
      );
  });
  return { data };
}

function layer(node: GraphNode, context: OpContext, op: AveragePoolLayer['op'], window: Window): Layer<'average_pool'> {
  const place = placeOf(node, context);
  const { height, width } = extent(place.reads[0]!);
  const functions = averageOf(node, context, op);
  const { length } = countsOf(window, [height, width]);
  if (length > MOST_COUNTS) return refuse(node, `windows of ${length} different sizes`, `up to ${MOST_COUNTS}`);
  return {
    kind: 'average_pool',
    ...place,
    window,
    order: orderOf(node, window, width, functions),
    divisor: (elements) => divisor(node, window, functions, elements),
    value: functions.value,
    output: functions.output,
  };
}

/** AveragePool: x [N, C, H, W] 8 bits; y [N, C, H', W'] 8 bits, from sums in float32. */
export const averagePool: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    if (isGlobal(node, context)) return globalAveragePool.infer(node, context);
    const window = poolWindow(node, context);
    expectPart(node, window, input.shape);
    const output = quantizedOutput(node, context, [...input.shape.slice(0, 2), ...window.size]);
    averageOf(node, context, meanOf(node), output);
    return output;
  },
  reference: (node, context, operand) =>
    isGlobal(node, context)
      ? globalAveragePool.reference(node, context, operand)
      : reference(node, context, meanOf(node), poolWindow(node, context), operand(0) as Uint8Array),
  define: (node, context) => (isGlobal(node, context) ? globalAveragePool.define!(node, context) : undefined),
  layer: (node, context) =>
    isGlobal(node, context)
      ? globalAveragePool.layer(node, context)
      : layer(node, context, meanOf(node), poolWindow(node, context)),
};

/** What is done with the mean: as an operator on bytes does, or as QuantizeLinear does. */
function meanOf(node: GraphNode): AveragePoolLayer['op'] {
  if (isFloat(node)) return 'ReduceMean';
  return node.op === 'AdaptiveAveragePool' ? node.op : 'AveragePool';
}

/** The mean's window: the whole of height and width. */
export function wholeWindow(node: GraphNode, context: OpContext): Window {
  if (reducedAxes(node, context).length < 2) refuse(node, 'one axis', 'axes 2 and 3 of four');
  return reducedWindow(node, context);
}

const reduceLayerOf = (node: GraphNode, context: OpContext, output = context.info(node.outputs[0]!)): ReduceLayer => ({
  ...poolLayerOf(node, context, output),
  keepdims: keepsDimensions(node),
  folded: node.attributes['folded'] === 1,
});

/** What becomes of integer sums, where the engine reduces so. */
const reducedSums = (node: GraphNode, context: OpContext, output?: TensorInfo): ReduceFunctions | undefined =>
  askEngine(node, () => context.engine.reduce?.(reduceLayerOf(node, context, output)));

/** What those are, for all engines that do. */
function defineSums(node: GraphNode, context: OpContext): Definition<'global_average_pool'> | undefined {
  const own = reduceLayerOf(node, context);
  const functions = (engine: Engine, layer: PoolLayer): StepFunctions =>
    engine.reduce?.({ ...own, ...layer }) ?? refuse(node, `engine '${engine.name}'`, 'engines that sum bytes');
  return reducedSums(node, context) && { kind: 'global_average_pool', layer: own, functions };
}

/** ReduceMean over height and width: x [N, C, H, W] 8 bits; y [N, C, 1, 1], or [N, C] without keepdims. */
export const reduceMean: Operator = {
  infer(node, context) {
    expectOperands(node, 1);
    const input = byteInput(node, context);
    wholeWindow(node, context);
    const pixel = keepsDimensions(node) ? [1, 1] : [];
    const output = quantizedOutput(node, context, [...input.shape.slice(0, 2), ...pixel]);
    if (!reducedSums(node, context, output)) averageOf(node, context, 'ReduceMean', output);
    return output;
  },
  reference(node, context, operand) {
    const functions = reducedSums(node, context);
    if (functions) return referenceOfSums(node, context, functions, operand(0) as Uint8Array);
    return reference(node, context, 'ReduceMean', wholeWindow(node, context), operand(0) as Uint8Array);
  },
  define: defineSums,
  layer(node, context) {
    const functions = reducedSums(node, context);
    if (functions) return layerOfSums(node, context, functions);
    return layer(node, context, 'ReduceMean', wholeWindow(node, context));
  },
};

/** ReduceSum over height and width, of integer sums. */
export const reduceSum: Operator = {
  infer(node, context) {
    const output = reduceMean.infer(node, context);
    if (!reducedSums(node, context, output)) refuse(node, `engine '${context.engine.name}'`, 'engines that sum bytes');
    return output;
  },
  reference: (node, context, operand) =>
    referenceOfSums(node, context, reducedSums(node, context)!, operand(0) as Uint8Array),
  define: defineSums,
  layer: (node, context) => layerOfSums(node, context, reducedSums(node, context)!),
};
