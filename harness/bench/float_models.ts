import { writeFloatModel } from '../../models/float_model.ts';
import type { Network } from '../../models/network.ts';
import { writeTfjsGraph } from './peers/tfjs_graph.ts';

/** A network's float32 original as the peers take it: the same layers, weights and biases for both. */
export function floatModels(
  network: Network,
  height: number,
  width: number,
): Record<'onnx' | 'tfjs', Record<string, Uint8Array>> {
  const { weightData, ...graph } = writeTfjsGraph(network, height, width);
  return {
    onnx: { model: writeFloatModel(network) },
    tfjs: { graph: new TextEncoder().encode(JSON.stringify(graph)), weights: weightData },
  };
}
