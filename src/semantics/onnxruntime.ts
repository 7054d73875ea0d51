import { UnsupportedModelError } from '../errors.ts';
import { byteRange, type Graph, type GraphNode } from '../graph/graph.ts';
import { edges, withoutDeadNodes } from '../graph/rewrite.ts';
import { clamp, f32, roundHalfEven } from './rounding.ts';
import type { Semantics, StepFunctions, TensorQuantization } from './semantics.ts';

/** `y = rne(v) + zy` with v clamped first: onnxruntime's (MLAS's) output stage, ties to even before the zero point. */
function outputStage(output: TensorQuantization): (value: number) => number {
  const [min, max] = byteRange(output.type);
  const { zeroPoint } = output;
  return (value) => roundHalfEven(clamp(value, min - zeroPoint, max - zeroPoint)) + zeroPoint;
}

function stepFunctions(
  channels: number,
  output: TensorQuantization,
  at: (channel: number) => (accumulator: number) => number,
  slope: (channel: number) => number,
): StepFunctions {
  const [min, max] = byteRange(output.type);
  return { channels, min, max, at, slope };
}

/** Operators that onnxruntime 1.30 fuses when every activation comes from a DQ and the only consumer is a Q. */
const FUSED = new Set(['Conv', 'MatMul', 'Gemm', 'Add', 'GlobalAveragePool']);
/** Operators that move values only: fused where both sides have the same quantization. */
const MOVES = new Set(['Reshape', 'Flatten', 'Identity']);

function fuse(graph: Graph): Graph {
  const { producer, consumers } = edges(graph);
  const isOutput = new Set(graph.outputs);
  const fusedAway = new Set<GraphNode>();

  const dequantized = (tensor: string): string | undefined => {
    const node = producer.get(tensor);
    return node?.op === 'DequantizeLinear' ? node.inputs[0] : undefined;
  };
  const quantizationOf = (tensor: string) =>
    graph.constants.get(tensor)?.quantization ?? graph.tensors.get(tensor)?.quantization;

  const fuseNode = (node: GraphNode): GraphNode => {
    if (!FUSED.has(node.op) && !MOVES.has(node.op)) return node;
    const output = node.outputs[0]!;
    const users = consumers(output);
    const quantize = users[0];
    if (users.length !== 1 || quantize?.op !== 'QuantizeLinear' || isOutput.has(output)) return node;
    const operands = MOVES.has(node.op) ? node.inputs.slice(0, 1) : node.inputs;
    const sources = operands.map((input) => (input === '' ? '' : dequantized(input)));
    if (sources.some((source) => source === undefined)) return node;
    const target = quantize.outputs[0]!;
    if (MOVES.has(node.op)) {
      const from = quantizationOf(sources[0]!);
      const to = quantizationOf(target);
      if (from?.scale[0] !== to?.scale[0] || from?.zeroPoint[0] !== to?.zeroPoint[0]) return node;
    }
    if (graph.tensors.get(target)?.type === 'int8')
      throw new UnsupportedModelError(
        `node '${node.name}' (${node.op}): a Q/DQ model with int8 activations; supported: uint8 activations`,
      );
    fusedAway.add(quantize);
    return { ...node, inputs: [...(sources as string[]), ...node.inputs.slice(operands.length)], outputs: [target] };
  };

  const nodes = graph.nodes.map(fuseNode).filter((node) => !fusedAway.has(node));
  return { ...graph, nodes: withoutDeadNodes(nodes, graph.outputs) };
}

/**
 * onnxruntime-web (wasm), which neither saturates nor fuses multiply-adds. Arithmetic read in MLAS and
 * measured on onnxruntime-web 1.30.
 */
export const onnxruntime: Semantics = {
  name: 'onnxruntime',
  description: 'onnxruntime-web (wasm) at its default optimization level: float32 scale, ties to even',
  fuse,

  // S = f32(f32(sx*sw)/sy); y = rne(clamp(f32(f32(acc + bias) * S))) + zy
  linear(layer) {
    const { input, output, weightScale, bias } = layer;
    if (bias && !(bias instanceof Int32Array))
      throw new UnsupportedModelError('onnxruntime takes an int32 bias, got float32');
    const stage = outputStage(output);
    const scale = (channel: number): number =>
      f32(f32(input.scale * weightScale[weightScale.length === 1 ? 0 : channel]!) / output.scale);
    return stepFunctions(
      layer.outputChannels,
      output,
      (channel) => {
        const s = scale(channel);
        const b = bias ? bias[channel]! : 0;
        return (accumulator) => stage(f32(f32(accumulator + b) * s));
      },
      scale,
    );
  },

  accumulation: () => 'exact',

  // y = rne(f32(f32(f32(sA*(a-zA)) + f32(sB*(b-zB))) / sC) + zC): ties to even after the zero point
  add({ a, b, output, relu }) {
    const [min, max] = byteRange(output.type);
    const low = relu ? Math.max(min, output.zeroPoint) : min;
    return {
      body: (x, y) => {
        const sum = f32(f32(a.scale * (x - a.zeroPoint)) + f32(b.scale * (y - b.zeroPoint)));
        return clamp(roundHalfEven(f32(f32(sum / output.scale) + output.zeroPoint)), low, max);
      },
    };
  },

  // k = f32(sx / f32(sy*n)); y = rne(f32(f32(acc) * k)) + zy
  globalAveragePool({ input, output, count }) {
    const k = f32(input.scale / f32(output.scale * count));
    if (!(k >= 2 ** -32 && k < 2 ** 8))
      throw new UnsupportedModelError(
        `onnxruntime computes no average whose scale is ${k} (${input.scale} / (${output.scale} * ${count})); ` +
          'supported: from 2^-32 to below 2^8',
      );
    const stage = outputStage(output);
    return stepFunctions(
      1,
      output,
      () => (accumulator) => stage(f32(f32(accumulator) * k)),
      () => k,
    );
  },

  quantize(output) {
    const [min, max] = byteRange(output.type);
    return (x) => clamp(roundHalfEven(f32(x / output.scale)) + output.zeroPoint, min, max);
  },

  dequantize:
    ({ scale, zeroPoint }) =>
    (q) =>
      f32((q - zeroPoint) * scale),
};
