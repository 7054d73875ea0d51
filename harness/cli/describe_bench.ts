import { heapBytes, MOST_BYTES_PER_INFERENCE, type LeakResult } from '../bench/leak.ts';
import type { Roof } from '../bench/measure/roof.ts';
import { ratios, type EngineResult, type LayerResult, type LayerTotals } from '../bench/result.ts';
import { table } from './output.ts';

const fixed = (value: number, digits = 1): string => value.toFixed(digits);
const percent = (part: number): string => `${fixed(100 * part)} %`;

export function describeResults(results: readonly EngineResult[]): string {
  const latency = ratios(results, ({ latencyMs }) => latencyMs.median);
  const first = ratios(results, ({ firstResultMs }) => firstResultMs);
  const ratio = (value: number | undefined): string => (value === undefined ? '' : `${fixed(value)}x`);
  const head = [
    'engine',
    'ms',
    'min',
    'max',
    'ratio',
    'first ms',
    'warm cache',
    'ratio',
    'images/s',
    'pipelined',
    'dispatches',
    'GPU MB',
    'class',
  ];
  const rows = results.map((r) => [
    r.name,
    fixed(r.latencyMs.median),
    fixed(r.latencyMs.min),
    fixed(r.latencyMs.max),
    ratio(latency[r.name]),
    fixed(r.firstResultMs, 0),
    r.firstResultWarmMs === undefined ? '' : fixed(r.firstResultWarmMs, 0),
    ratio(first[r.name]),
    fixed(r.imagesPerSecond.sequential, 2),
    fixed(r.imagesPerSecond.pipelined, 2),
    String(r.perInference.dispatches),
    fixed(r.gpuBytes.live / 1e6),
    String(r.classIndex),
  ]);
  return table(head, rows, head.slice(1));
}

export function describeLayers(layers: readonly LayerResult[]): string {
  const head = ['layer', 'variant', 'form', 'ms', 'GMAC/s', 'GB/s', 'of the roof', 'bound', 'requantize ms'];
  const rows = layers.map((layer) => [
    layer.name,
    layer.variant ?? layer.kernel,
    layer.form ?? '',
    fixed(layer.ms, 3),
    layer.macs > 0 ? fixed(layer.gmacs, 2) : '',
    fixed(layer.gbytes, 2),
    percent(layer.roofShare),
    layer.bound,
    layer.requantizationMs === undefined ? '' : fixed(layer.requantizationMs, 3),
  ]);
  return table(head, rows, ['ms', 'GMAC/s', 'GB/s', 'of the roof', 'requantize ms']);
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
