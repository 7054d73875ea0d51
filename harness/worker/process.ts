/**
 * What the exact8 command starts where WebGPU is to be had without a browser: `node process.js ORIGIN WEBGPU`,
 * WEBGPU the file URL of the package webgpu (Dawn), or `deno run process.js ORIGIN` (wgpu). The same worker as in
 * Chrome's page. A request is a line of standard input; replies are posted to the command's server, so that whatever
 * a driver prints can not be mistaken for one.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { ortFolder } from '../chrome/ort_folder.ts';
import type { ProcessRequest, ProcessStarted } from './protocol.ts';
import './worker.ts';

const [origin, dawn] = process.argv.slice(2) as [string, string | undefined];
globalThis.exact8Origin = origin;
ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
if (dawn !== undefined) await installDawn(dawn);

// how far one request has got is asked by another
for await (const line of createInterface({ input: process.stdin })) void answer(JSON.parse(line) as ProcessRequest);
// Dawn's threads would outlive an empty event loop.
process.exit(0);

async function answer({ method, args, reply }: ProcessRequest): Promise<void> {
  const value = method === 'start' ? await start() : await globalThis.exact8Worker(method, args);
  await fetch(origin + reply, { method: 'POST', body: JSON.stringify(value) });
}

/** Puts WebGPU where a browser has it. */
async function installDawn(specifier: string): Promise<void> {
  const { create, globals } = (await import(specifier)) as { create(flags: string[]): GPU; globals: object };
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}

async function start(): Promise<ProcessStarted> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return {};
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  return { adapter: { vendor, architecture, description, fallback: isFallbackAdapter } };
}
