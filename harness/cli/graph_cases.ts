import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { GRAPH_KINDS } from '../cases/graphs/generate.ts';
import { parseCaseId } from '../cases/generate.ts';
import type { GraphMismatch, GraphsResult } from '../cases/graphs/run_graphs.ts';
import { formatCount } from '../report/format.ts';
import { openBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import type { HostOptions } from './options.ts';
import { printResult, progress } from './output.ts';

export interface GraphCasesOptions extends HostOptions {
  readonly graphs?: true | 'dynamic';
  readonly gpuEvery: number;
  readonly keep: string;
  readonly against?: 'onnxruntime';
  readonly case?: string;
  readonly recorded?: string;
  readonly engine: string;
  readonly seed: number;
  readonly count: number;
  readonly json?: boolean;
}

/** Generated graphs that the page runs before it reports. */
const BATCH = 50;

/** `exact8 cases --graphs`: whole graphs, exact8 against onnxruntime-web. */
export async function runGraphCases(options: GraphCasesOptions): Promise<ExitCode> {
  const { kind, seed, from, count } = placeOf(options);
  const browser = await openBrowser(options);
  try {
    let total: GraphsResult | undefined;
    for (let first = from; first < from + count; first += BATCH) {
      progress(`graph ${formatCount(first - from)} of ${formatCount(count)}`);
      const part = await browser.graphCases(kind, seed, first, Math.min(first + BATCH, from + count), options.gpuEvery);
      total = total ? addUp(total, part) : part;
    }
    const { failures, ...counts } = total!;
    const kept = failures.map((failure) => ({ ...failure, model: keep(failure, options.keep) }));
    printResult(
      options.json,
      { engine: 'onnxruntime', against: 'onnxruntime', adapter: browser.adapter, seed, ...counts, failures: kept },
      [...kept.flatMap(describeFailure), ...describe(total!, options.gpuEvery, browser.adapter)].join('\n'),
    );
    return failures.length === 0 ? EXIT.done : EXIT.differs;
  } finally {
    await browser.close();
  }
}

/** @throws InvalidInputError where options do not go together */
function placeOf({ graphs, case: id, seed, count, against, recorded, engine }: GraphCasesOptions) {
  if (against === undefined)
    throw new InvalidInputError('--graphs compares with an engine that reads files: say --against onnxruntime, too');
  if (recorded !== undefined) throw new InvalidInputError('--recorded does not go with --graphs: graphs are generated');
  if (engine !== against)
    throw new InvalidInputError(`--against ${against} compares its own bits: --engine ${engine} has others`);
  if (id === undefined) return { kind: graphs === 'dynamic' ? graphs : 'graphs', seed, from: 0, count } as const;
  const place = parseCaseId(id);
  const kind = GRAPH_KINDS.find((name) => name === place.engine);
  if (!kind) throw new InvalidInputError(`--case ${id} is no graph; a graph is ${GRAPH_KINDS.join(' or ')}/SEED/INDEX`);
  return { kind, seed: place.seed, from: place.index, count: 1 };
}

function addUp(a: GraphsResult, b: GraphsResult): GraphsResult {
  const sum = (key: 'graphs' | 'equal' | 'onGpu' | 'elements' | 'refusedByOnnxruntime'): number => a[key] + b[key];
  const reasons = (key: 'refused' | 'inFloat'): Record<string, number> => {
    const both = { ...a[key] };
    for (const [reason, count] of Object.entries(b[key])) both[reason] = (both[reason] ?? 0) + count;
    return both;
  };
  return {
    graphs: sum('graphs'),
    equal: sum('equal'),
    onGpu: sum('onGpu'),
    elements: sum('elements'),
    refusedByOnnxruntime: sum('refusedByOnnxruntime'),
    refused: reasons('refused'),
    inFloat: reasons('inFloat'),
    refusedIds: [...a.refusedIds, ...b.refusedIds],
    failures: [...a.failures, ...b.failures],
  };
}

/** The file that a graph was written to. */
function keep({ id, model }: GraphMismatch, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${id.replaceAll('/', '-')}.onnx`);
  writeFileSync(file, Uint8Array.from(model));
  return file;
}

const describeFailure = ({ id, between, what, operators, model }: Omit<GraphMismatch, 'model'> & { model: string }) => [
  `${id}: ${between}: ${what.split('\n')[0]}; ${operators}`,
  `  again: npx exact8 cases --graphs --against onnxruntime --case ${id}`,
  `  look:  ${model}`,
];

function describe(result: GraphsResult, gpuEvery: number, adapter: string): string[] {
  const count = (reasons: Readonly<Record<string, number>>): number =>
    Object.values(reasons).reduce((sum, n) => sum + n, 0);
  const listed = (reasons: Readonly<Record<string, number>>): string[] =>
    Object.entries(reasons)
      .sort(([, a], [, b]) => b - a)
      .map(([reason, n]) => `  ${formatCount(n)}: ${reason}`);
  const refused = count(result.refused);
  const integers = result.equal + result.failures.length + refused;
  const share = integers === 0 ? '' : ` (${((100 * refused) / integers).toFixed(1)} % of those run in integers)`;
  return [
    `${formatCount(result.graphs)} graphs against onnxruntime-web: ${formatCount(result.equal)} equal, ` +
      `${formatCount(result.elements)} elements, ${formatCount(result.failures.length)} differ`,
    `  on the host: all; on ${adapter}: ${formatCount(result.onGpu)}${gpuEvery > 1 ? ` (every ${gpuEvery}th)` : ''}`,
    `refused by onnxruntime-web: ${formatCount(result.refusedByOnnxruntime)}`,
    `refused by exact8, an operator is left in float32: ${formatCount(count(result.inFloat))}`,
    ...listed(result.inFloat),
    `refused by exact8 otherwise: ${formatCount(refused)}${share}`,
    ...listed(result.refused),
  ];
}
