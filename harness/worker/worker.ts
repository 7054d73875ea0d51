/** The page that the exact8 command opens in headless Chrome: see WorkerMethods. */
import { InvalidInputError } from '../../src/errors.ts';
import { elementCount, newElementData } from '../../src/graph/graph.ts';
import { InferenceSession } from '../../src/session.ts';
import { Tensor } from '../../src/tensor.ts';
import { computedTensors, verify } from '../compare/verify.ts';
import { decodePicture } from '../images/decode.ts';
import { traceToNpz } from '../numpy/trace_npz.ts';
import { createOnnxruntimeWeb } from '../oracles/onnxruntime_web.ts';
import type { RemoteFeeds, RemoteTensor, WorkerMethods } from './protocol.ts';

let model = new Uint8Array(0);
let session: InferenceSession | undefined;

const methods: WorkerMethods = {
  async decode(file, result) {
    const { width, height, data } = await decodePicture(await (await get(file)).blob());
    await post(result, data);
    return { width, height };
  },
  async open(path, semantics) {
    session?.release();
    model = await fetchBytes(path);
    session = await InferenceSession.create(model, semantics === undefined ? {} : { semantics });
  },
  async run(feeds) {
    const outputs = await opened().run(await fetchFeeds(feeds));
    const plain = ({ dims, data }: Tensor): { dims: readonly number[]; values: number[] } => ({
      dims,
      values: Array.from(data as ArrayLike<number | bigint>, Number),
    });
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, plain(tensor)]));
  },
  async trace(feeds, accumulators, result) {
    await post(result, traceToNpz(await opened().trace(await fetchFeeds(feeds), { accumulators })));
  },
  async verify(feeds, runs) {
    const oracle = await createOnnxruntimeWeb(model, computedTensors(opened()));
    try {
      return await verify(opened(), oracle, await fetchFeeds(feeds), runs);
    } finally {
      await oracle.release();
    }
  },
};

globalThis.exact8Worker = async (method, args) => {
  try {
    return { value: await (methods[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};

function opened(): InferenceSession {
  if (!session) throw new InvalidInputError('no model is open');
  return session;
}

async function get(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}

async function fetchBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await get(path)).arrayBuffer());
}

async function fetchFeeds(feeds: RemoteFeeds): Promise<Record<string, Tensor>> {
  const fetched = Object.entries(feeds).map(async ([name, remote]) => [name, await fetchTensor(remote)] as const);
  return Object.fromEntries(await Promise.all(fetched));
}

async function fetchTensor({ type, dims, path }: RemoteTensor): Promise<Tensor> {
  const data = newElementData(type, elementCount(dims));
  new Uint8Array(data.buffer).set(await fetchBytes(path));
  return new Tensor(type, data, dims);
}

async function post(path: string, body: Uint8Array): Promise<void> {
  await fetch(path, { method: 'POST', body: body as Uint8Array<ArrayBuffer> });
}
