import type { GpuCalls } from './measure/gpu_calls.ts';
import type { LayerTiming } from './measure/time_layers.ts';
import type { Roof } from './measure/roof.ts';
import { placeUnderRoof, type RooflinePoint } from './roofline.ts';
import type { Summary } from './statistics.ts';
import type { LayerKind } from './work.ts';

/** One engine's figures. */
export interface EngineResult {
  readonly name: string;
  readonly latencyMs: Summary;
  /** From the model's bytes in memory to the first logits: a fresh browser with nothing cached. */
  readonly firstResultMs: number;
  /** The same when the page is opened again in that browser; a process has no page. */
  readonly firstResultWarmMs?: number;
  /** Scripts, WebAssembly and a device, before the model: not part of the first result. */
  readonly startMs: number;
  readonly imagesPerSecond: { readonly sequential: number; readonly pipelined: number };
  /** What one warm inference does on the GPU. */
  readonly perInference: Pick<GpuCalls, 'dispatches' | 'submits' | 'buffers' | 'bindGroups'>;
  /** Bytes of GPU buffers after loading and running, and the most while doing so. */
  readonly gpuBytes: { readonly live: number; readonly peak: number };
  /** The class with the highest logit. */
  readonly classIndex: number;
}

export interface LayerResult extends Omit<LayerTiming, 'ms' | 'bareMs'>, RooflinePoint {
  /** The least of the samples, as the roof is the most of several. */
  readonly ms: number;
  readonly spread: number;
  /** Of `ms`, what requantization and packing take, by ablation: below 0 where noise is larger than they are. */
  readonly requantizationMs?: number;
}

export interface KindTotal {
  readonly kind: LayerKind;
  readonly layers: number;
  readonly macs: number;
  readonly ms: number;
  readonly gmacs: number;
  /** Of the adapter's arithmetic roof. */
  readonly arithmeticShare: number;
}

export interface LayerTotals {
  readonly ms: number;
  readonly macs: number;
  readonly bytes: number;
  readonly requantizationMs: number;
  readonly requantizationShare: number;
  readonly kinds: readonly KindTotal[];
}

export function layerResults(timings: readonly LayerTiming[], roof: Roof): LayerResult[] {
  return timings.map(({ ms, bareMs, ...layer }) => ({
    ...layer,
    ms: ms.min,
    spread: ms.spread,
    ...(bareMs && { requantizationMs: ms.min - bareMs.min }),
    ...placeUnderRoof({ ...layer, ms: ms.min }, roof),
  }));
}

export function layerTotals(layers: readonly LayerResult[], roof: Roof): LayerTotals {
  const sum = (of: (layer: LayerResult) => number, among = layers): number =>
    among.reduce((total, layer) => total + of(layer), 0);
  const ms = sum((layer) => layer.ms);
  const requantizationMs = sum((layer) => layer.requantizationMs ?? 0);
  const kinds = [...new Set(layers.map(({ kind }) => kind))].map((kind) => {
    const among = layers.filter((layer) => layer.kind === kind);
    const macs = sum((layer) => layer.macs, among);
    const kindMs = sum((layer) => layer.ms, among);
    const gmacs = macs / kindMs / 1e6;
    return { kind, layers: among.length, macs, ms: kindMs, gmacs, arithmeticShare: gmacs / roof.gmacs };
  });
  return {
    ms,
    macs: sum((layer) => layer.macs),
    bytes: sum((layer) => layer.bytes),
    requantizationMs,
    requantizationShare: requantizationMs / ms,
    kinds,
  };
}

/** How many times as long as exact8 each other engine takes, in the median. */
export function ratios(results: readonly EngineResult[], of: (result: EngineResult) => number): Record<string, number> {
  const [own, ...peers] = results;
  return Object.fromEntries(peers.map((peer) => [peer.name, of(peer) / of(own!)]));
}
