import { referenceTrace } from '../../src/plan/reference.ts';
import type { InferenceSession } from '../../src/session/session.ts';
import { Tensor } from '../../src/tensor.ts';
import { computedTensors } from '../compare/verify.ts';
import type { Oracle } from '../oracles/onnxruntime_web.ts';

/** An engine to compare with, and its name. */
export interface Reference {
  readonly name: string;
  readonly oracle: Oracle;
}

/** onnxruntime-web where it can read the file; otherwise the host arithmetic of the session's own engine. */
export async function openReference(session: InferenceSession, model: Uint8Array): Promise<Reference> {
  if (session.graph.format !== 'onnx') return hostReference(session);
  const { createOnnxruntimeWeb } = await import('../oracles/onnxruntime_web.ts');
  return { name: 'onnxruntime', oracle: await createOnnxruntimeWeb(model, computedTensors(session.plan.graph)) };
}

function hostReference(session: InferenceSession): Reference {
  return {
    name: `the host arithmetic of ${session.engine}`,
    oracle: {
      async run(feeds) {
        const { tensors, outputs } = referenceTrace(session.plan, feeds);
        const named = tensors.map(({ name, type, data, shape }) => [name, new Tensor(type, data, shape)] as const);
        return { tensors: Object.fromEntries(named), outputs };
      },
      async release() {},
    },
  };
}
