import type { Engine } from '../../src/engines/engine.ts';
import { InferenceSession } from '../../src/session/session.ts';
import type { LayerRunner } from './compare_layers.ts';

/** Layers on a GPU; pipelines are compiled once for the device. */
export function layersOnGpu(device: GPUDevice, engine: Engine): LayerRunner {
  return async (graph, feeds) => {
    const session = await InferenceSession.create(graph, { device, engine });
    try {
      return (await session.run(feeds))[graph.outputs[0]!]!.data;
    } finally {
      session.release();
    }
  };
}
