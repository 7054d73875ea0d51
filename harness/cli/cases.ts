import type { Command } from 'commander';
import { inferGraph } from '../../src/ops/infer.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findSemantics } from '../../src/semantics/index.ts';
import type { Semantics } from '../../src/semantics/semantics.ts';
import { recordedCases, type RecordedCase } from '../cases/recorded.ts';
import type { CaseMismatch } from '../cases/run.ts';
import { openNpz } from '../numpy/npz.ts';
import { formatCount } from '../report/format.ts';
import { openBrowser, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput } from './files.ts';
import { addHostOptions, integer, type HostOptions } from './options.ts';
import { printResult, progress } from './output.ts';

interface CasesOptions extends HostOptions {
  readonly recorded?: string;
  readonly semantics: string;
  readonly threads?: number;
  readonly seed: number;
  readonly count: number;
  readonly json?: boolean;
}

/** Generated cases that the page runs before it reports. */
const BATCH = 100;

export function addCases(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('cases')
    .description('single operators: generated ones (GPU against host), or recorded from a real engine (against both)')
    .option('--recorded <file>', 'FILE.npz of cases recorded from an engine')
    .option('--semantics <engine>', 'whose bits are computed', 'onnxruntime')
    .option('--threads <n>', "threads that PyTorch's engine was run with", integer(1))
    .option('--seed <n>', 'generated cases: the same for the same seed', integer(0), 1)
    .option('--count <n>', 'generated cases: how many', integer(1), 1000);
  addHostOptions(command)
    .option('--json', 'print one JSON object')
    .action(async (options: CasesOptions) => done(await runCases(options)));
}

async function runCases(options: CasesOptions): Promise<ExitCode> {
  const semantics = findSemantics(options.semantics, options.threads === undefined ? {} : { threads: options.threads });
  const engine = { name: semantics.name, options: options.threads === undefined ? {} : { threads: options.threads } };
  const file = options.recorded === undefined ? undefined : await readInput(options.recorded);
  const recorded = file && recordedCases(openNpz(file), semantics.name);
  const mismatchesHost = recorded ? recorded.reduce((sum, test) => sum + missedOnHost(test, semantics), 0) : undefined;
  const browser = await openBrowser(options.adapter, options.webgpu);
  try {
    const result =
      recorded && file
        ? {
            cases: recorded.length,
            elements: recorded.reduce((sum, { expected }) => sum + expected.length, 0),
            mismatchesHost,
            mismatchesGpu: await browser.recordedCases(file, engine),
            failures: [],
          }
        : await generated(browser, options);
    const { failures, ...counts } = result;
    const missed = (result.mismatchesHost ?? 0) + result.mismatchesGpu;
    printResult(
      options.json,
      { semantics: semantics.name, recorded: options.recorded, adapter: browser.adapter, ...counts, failures },
      [
        ...failures.map(describeFailure),
        `${formatCount(result.cases)} cases, ${formatCount(result.elements)} elements, semantics ${semantics.name}`,
        ...(mismatchesHost === undefined ? [] : [`host: ${formatCount(mismatchesHost)} mismatches`]),
        `GPU:  ${formatCount(result.mismatchesGpu)} mismatches, on ${browser.adapter}`,
      ].join('\n'),
    );
    return missed === 0 ? EXIT.done : EXIT.differs;
  } finally {
    await browser.close();
  }
}

/** How many elements of a recorded case the host reference gives otherwise. */
function missedOnHost({ graph, feeds, expected }: RecordedCase, semantics: Semantics): number {
  const { data } = referenceTrace({ graph: inferGraph(graph, semantics), semantics }, feeds).outputs['y']!;
  let missed = 0;
  for (let i = 0; i < expected.length; i++) if (data[i] !== expected[i]) missed++;
  return missed;
}

/** Generated cases have no recorded result: the host reference is what the GPU has to equal. */
async function generated(browser: ModelBrowser, { semantics, seed, count }: CasesOptions) {
  let [elements, mismatchesGpu, refused] = [0, 0, 0];
  const failures: CaseMismatch[] = [];
  for (let from = 0; from < count; from += BATCH) {
    progress(`case ${formatCount(from)} of ${formatCount(count)}`);
    const result = await browser.generatedCases(semantics, seed, from, Math.min(from + BATCH, count));
    elements += result.elements;
    mismatchesGpu += result.mismatches;
    refused += result.refused;
    failures.push(...result.failures);
  }
  return { cases: count, elements, mismatchesHost: undefined, mismatchesGpu, refused, seed, failures };
}

function describeFailure(failure: CaseMismatch): string {
  const { id, description, kernel, what, index, expected, actual, mismatches } = failure;
  return `${id}: ${description}; ${kernel}: ${formatCount(mismatches)} differ, first ${what} ${index}: expected ${expected}, got ${actual}`;
}
