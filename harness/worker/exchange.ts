/** Bytes from and to the command's server: by paths, from a page or a process. */
import { elementCount, newElementData } from '../../src/graph/graph.ts';
import { Tensor } from '../../src/tensor.ts';
import type { RemoteFeeds, RemoteTensor } from './remote.ts';

/** A page has an origin of its own, and a process has been told. */
const url = (path: string): string => (globalThis.exact8Origin ?? '') + path;

export async function get(path: string): Promise<Response> {
  const response = await fetch(url(path));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}

export async function fetchBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await get(path)).arrayBuffer());
}

export async function fetchFeeds(feeds: RemoteFeeds): Promise<Record<string, Tensor>> {
  const fetched = Object.entries(feeds).map(async ([name, remote]) => [name, await fetchTensor(remote)] as const);
  return Object.fromEntries(await Promise.all(fetched));
}

export async function fetchTensor({ type, dims, path }: RemoteTensor): Promise<Tensor> {
  const data = newElementData(type, elementCount(dims));
  new Uint8Array(data.buffer).set(await fetchBytes(path));
  return new Tensor(type, data, dims);
}

export async function post(path: string, body: Uint8Array): Promise<void> {
  const { ok, status } = await fetch(url(path), { method: 'POST', body: body as Uint8Array<ArrayBuffer> });
  if (!ok) throw new Error(`${path}: ${status}`);
}
