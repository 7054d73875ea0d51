import { checkFeeds, firstNaN, refuseNaN, type Tensors } from '../feeds.ts';
import { extent, pack, paddedPlaces } from '../layers/layout.ts';
import type { Plan } from '../plan/steps.ts';

/** The inputs of one inference as the GPU has them, by name: the caller's arrays are the caller's again. */
export interface TakenInputs {
  readonly packed: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Those that the caller has on the GPU: read when the inference is computed. */
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
}

/** Inputs to be written over, as many as inferences were under way at once: a warm one leaves no garbage of their size. */
const FREE = new WeakMap<Plan, TakenInputs['packed'][]>();
/** More than these are not kept. */
const MOST_FREE = 8;

/** Copies what is fed, and checks the copy: what happens to the caller's arrays from now on does not matter. */
export function takeInputs(plan: Plan, feeds: Tensors): TakenInputs {
  const { inputs } = plan.graph;
  checkFeeds(inputs, feeds);
  const onGpu = inputs.filter(({ name }) => feeds[name]!.location === 'gpu-buffer');
  const here = inputs.filter((info) => !onGpu.includes(info));
  const free = FREE.get(plan)?.pop();
  const packed = new Map(here.map((info) => [info.name, pack(feeds[info.name]!.data, info, free?.get(info.name))]));
  for (const info of here) {
    if (info.type !== 'float32') continue;
    const at = firstNaN(new Float32Array(packed.get(info.name)!.buffer));
    if (at >= 0) refuseNaN(info.name, paddedPlaces(extent(info)).indexOf(at));
  }
  return { packed, buffers: new Map(onGpu.map(({ name }) => [name, feeds[name]!.gpuBuffer])) };
}

/** Once they are written. */
export function giveBack(plan: Plan, { packed }: TakenInputs): void {
  const free = FREE.get(plan) ?? [];
  FREE.set(plan, free);
  if (free.length < MOST_FREE) free.push(packed);
}
