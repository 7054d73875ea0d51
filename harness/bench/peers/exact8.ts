import { requestDevice } from '../../../src/gpu/device.ts';
import { InferenceSession } from '../../../src/session/session.ts';
import type { SessionOptions } from '../../../src/session/options.ts';
import type { Peer } from './peer.ts';

/** Model: `model`, a quantized file; `options`, where they are given, of the session, as JSON. */
export function exact8(): Peer {
  let device: GPUDevice | undefined;
  return {
    async start() {
      device = await requestDevice();
    },
    async load({ model, options }, { nchw }) {
      const given = options ? (JSON.parse(new TextDecoder().decode(options)) as SessionOptions) : {};
      const session = await InferenceSession.create(model!, { ...given, device: device! });
      const feeds = { [session.inputNames[0]!]: nchw };
      const run = async (): Promise<Float32Array> =>
        Float32Array.from((await session.run(feeds))[session.outputNames[0]!]!.data as ArrayLike<number>);
      return {
        run,
        async stream(inferences) {
          await Promise.all(Array.from({ length: inferences }, run));
        },
        async release() {
          session.release();
          device!.destroy();
        },
      };
    },
  };
}
