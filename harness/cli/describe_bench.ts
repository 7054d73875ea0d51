import { heapBytes, MOST_BYTES_PER_INFERENCE, type LeakResult } from '../bench/leak.ts';
import type { Roof } from '../bench/measure/roof.ts';
import { ratios, type EngineResult, type LayerResult, type LayerTotals } from '../bench/result.ts';
import { tableOf } from './output.ts';

const fixed = (value: number, digits = 1): string => value.toFixed(digits);
const percent = (part: number): string => `${fixed(100 * part)} %`;

export function describeResults(results: readonly EngineResult[]): string {
  const latency = ratios(results, ({ latencyMs }) => latencyMs.median);
  const first = ratios(results, ({ firstResultMs }) => firstResultMs);
  const ratio = (value: number | undefined): string => (value === undefined ? '' : `${fixed(value)}x`);
  return tableOf<EngineResult>(
    [
      ['engine', 'text', (r) => r.name],
      ['ms', 'number', (r) => fixed(r.latencyMs.median)],
      ['min', 'number', (r) => fixed(r.latencyMs.min)],
      ['max', 'number', (r) => fixed(r.latencyMs.max)],
      ['ratio', 'number', (r) => ratio(latency[r.name])],
      ['first ms', 'number', (r) => fixed(r.firstResultMs, 0)],
      ['warm cache', 'number', (r) => (r.firstResultWarmMs === undefined ? '' : fixed(r.firstResultWarmMs, 0))],
      ['ratio', 'number', (r) => ratio(first[r.name])],
      ['images/s', 'number', (r) => fixed(r.imagesPerSecond.sequential, 2)],
      ['pipelined', 'number', (r) => fixed(r.imagesPerSecond.pipelined, 2)],
      ['dispatches', 'number', (r) => r.perInference.dispatches],
      ['GPU MB', 'number', (r) => fixed(r.gpuBytes.live / 1e6)],
      ['class', 'number', (r) => r.classIndex],
    ],
    results,
  );
}

export function describeLayers(layers: readonly LayerResult[]): string {
  return tableOf<LayerResult>(
    [
      ['layer', 'text', ({ name }) => name],
      ['variant', 'text', ({ variant, kernel }) => variant ?? kernel],
      ['form', 'text', ({ form }) => form],
      ['ms', 'number', ({ ms }) => fixed(ms, 3)],
      ['GMAC/s', 'number', ({ macs, gmacs }) => (macs > 0 ? fixed(gmacs, 2) : '')],
      ['GB/s', 'number', ({ gbytes }) => fixed(gbytes, 2)],
      ['of the roof', 'number', ({ roofShare }) => percent(roofShare)],
      ['bound', 'text', ({ bound }) => bound],
      ['requantize ms', 'number', ({ requantizationMs: ms }) => (ms === undefined ? '' : fixed(ms, 3))],
    ],
    layers,
  );
}

export function describeTotals(roof: Roof, totals: LayerTotals): string {
  const arithmetic = Object.entries(roof.arithmetic).map(([name, gmacs]) => `${name} ${fixed(gmacs)}`);
  const memory = Object.entries(roof.memory).map(([mib, gbytes]) => `${mib} MiB ${fixed(gbytes)}`);
  return [
    `roof: ${fixed(roof.gmacs)} GMAC/s (${arithmetic.join(', ')}); ${fixed(roof.gbytes)} GB/s (${memory.join(', ')}); a dispatch ${fixed(1000 * roof.dispatchMs)} us`,
    `all layers: ${fixed(totals.ms)} ms; requantization and packing ${fixed(totals.requantizationMs)} ms, ${percent(totals.requantizationShare)}`,
    ...totals.kinds.map(
      ({ kind, layers, ms, gmacs, arithmeticShare }) =>
        `  ${kind}: ${layers} layers, ${fixed(ms)} ms, ${fixed(gmacs, 2)} GMAC/s, ${percent(arithmeticShare)} of the arithmetic roof`,
    ),
  ].join('\n');
}

export function describeLeak(leak: LeakResult): string {
  const { inferences, created, gpuBytes, heap, heapBytesPerInference, flat } = leak;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(3)} MB`;
  const [first, last] = [heap[0]!.before, heap.at(-1)!.after];
  return [
    `${inferences} warm inferences:`,
    `  GPU objects made: ${Object.entries(created)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    `  GPU memory: ${gpuBytes === 0 ? 'no byte more' : `${gpuBytes} bytes more`}`,
    `  JavaScript heap, collected: ${mb(heapBytes(first))} before, ${mb(heapBytes(last))} after; ${fixed(heapBytesPerInference)} bytes an inference (at most ${MOST_BYTES_PER_INFERENCE})`,
    flat ? 'flat' : 'NOT flat',
  ].join('\n');
}
