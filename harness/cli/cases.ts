import { Option, type Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { ENGINES, findEngine } from '../../src/engines/index.ts';
import { LINEAR_KERNELS } from '../../src/kernels/choose.ts';
import { GRAPH_KINDS } from '../cases/graphs/generate.ts';
import { parseCaseId } from '../cases/generate.ts';
import { compareRecordedOnHost, recordedCases } from '../cases/recorded_cases.ts';
import type { CaseMismatch } from '../cases/run_cases.ts';
import { openNpz } from '../numpy/npz.ts';
import { ORACLE_NAMES } from '../oracles/index.ts';
import { formatCount } from '../report/format.ts';
import { openBrowser, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput } from './files.ts';
import { runGraphCases, type GraphCasesOptions } from './graph_cases.ts';
import { addHostOptions, integer } from './options.ts';
import { printResult, progress } from './output.ts';

interface CasesOptions extends GraphCasesOptions {
  readonly atBoundaries?: boolean;
  readonly threads?: number;
  readonly kind?: string;
  readonly variant?: string;
}

const LINEAR_KINDS = [...new Set(LINEAR_KERNELS.flatMap(({ kinds }) => kinds))];

/** Generated cases that the page runs before it reports. */
const BATCH = 100;

export function addCases(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('cases')
    .description('single operators: generated ones (GPU against host), or recorded from a real engine (against both)')
    .addOption(
      new Option(
        '--against <engine>',
        'generated cases: also written as ONNX models, and compared with this engine',
      ).choices(ORACLE_NAMES),
    )
    .option('--at-boundaries', "generated cases: where the engine's own functions step, in place of random ones")
    .addOption(new Option('--kind <kind>', 'generated cases: only layers of this kind').choices(LINEAR_KINDS))
    .addOption(
      new Option('--variant <name>', 'generated cases: only those that this kernel variant may compute, by it').choices(
        LINEAR_KERNELS.map(({ name }) => name),
      ),
    )
    .option('--case <id>', 'ENGINE/SEED/INDEX: this generated case alone')
    .addOption(
      new Option(
        '--graphs [dynamic]',
        'whole small graphs instead of single operators, every second one a mutant; dynamic: as quantize_dynamic writes them; needs --against',
      ).choices(['dynamic']),
    )
    .option('--gpu-every <k>', 'of the graphs, run every k-th on the GPU, and all on the host', integer(1), 1)
    .option('--keep <folder>', 'where graphs that differ are written, made as small as they could be', 'exact8-graphs')
    .option('--recorded <file>', 'FILE.npz of cases recorded from an engine')
    .option('--engine <name>', 'whose bits are computed', ENGINES[0]!.name)
    .option('--threads <n>', "threads that PyTorch's engine was run with", integer(1))
    .option('--seed <n>', 'generated cases: the same for the same seed', integer(0), 1)
    .option('--count <n>', 'generated cases: how many', integer(1), 1000);
  addHostOptions(command)
    .option('--json', 'print one JSON object')
    .action(async (options: CasesOptions) => {
      checkKernel(options);
      done(await (options.graphs || isGraph(options.case) ? runGraphCases(options) : runCases(options)));
    });
}

const isGraph = (id = ''): boolean => GRAPH_KINDS.some((kind) => id.startsWith(`${kind}/`));

/** @throws InvalidInputError where there can be no such case */
function checkKernel({ kind, variant, recorded, graphs }: CasesOptions): void {
  if (kind === undefined && variant === undefined) return;
  if (recorded !== undefined || graphs)
    throw new InvalidInputError('--kind and --variant are of generated operators: without --recorded and --graphs');
  const kinds = LINEAR_KERNELS.find(({ name }) => name === variant)?.kinds ?? LINEAR_KINDS;
  if (kind !== undefined && !kinds.some((its) => its === kind))
    throw new InvalidInputError(`--variant ${variant} is for ${kinds.join(', ')} layers; got --kind ${kind}`);
}

async function runCases(options: CasesOptions): Promise<ExitCode> {
  const place = placeOf(options);
  const choice = { name: place.engine, options: options.threads === undefined ? {} : { threads: options.threads } };
  const engine = findEngine(choice.name, choice.options);
  const file = options.recorded === undefined ? undefined : await readInput(options.recorded);
  const recorded = file && recordedCases(openNpz(file), engine.name);
  const onHost = recorded && (await compareRecordedOnHost(recorded, engine));
  const browser = await openBrowser(options);
  try {
    const result =
      recorded && file
        ? {
            cases: recorded.length,
            elements: recorded.reduce((sum, { expected }) => sum + expected.length, 0),
            mismatchesHost: onHost!.mismatches,
            mismatchesGpu: (await browser.recordedCases(file, choice)).mismatches,
            refused: onHost!.refused,
            failures: [],
          }
        : await generated(browser, { ...options, ...place });
    const { failures, ...counts } = result;
    const missed = (result.mismatchesHost ?? 0) + result.mismatchesGpu;
    printResult(
      options.json,
      { engine: engine.name, recorded: options.recorded, adapter: browser.adapter, ...counts, failures },
      [
        ...failures.map((failure) => describeFailure(failure, options)),
        `${formatCount(result.cases)} cases, ${formatCount(result.elements)} elements, engine ${engine.name}${options.against ? `, against ${options.against}` : ''}`,
        ...(result.refused > 0 ? [`refused by name: ${formatCount(result.refused)}`] : []),
        ...(result.mismatchesHost === undefined ? [] : [`host: ${formatCount(result.mismatchesHost)} mismatches`]),
        `GPU:  ${formatCount(result.mismatchesGpu)} mismatches, on ${browser.adapter}`,
      ].join('\n'),
    );
    return missed === 0 ? EXIT.done : EXIT.differs;
  } finally {
    await browser.close();
  }
}

interface Place {
  readonly engine: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly atBoundaries: boolean;
}

/** @throws InvalidInputError where options do not go together */
function placeOf({
  case: id,
  engine: wanted,
  seed,
  count,
  against,
  recorded,
  atBoundaries = false,
}: CasesOptions): Place {
  const place = id === undefined ? undefined : parseCaseId(id);
  if (recorded !== undefined && (place || against !== undefined || atBoundaries))
    throw new InvalidInputError(
      '--recorded goes with none of --case, --against and --at-boundaries: a recorded case has its reference',
    );
  const engine = place?.engine ?? wanted;
  if (against !== undefined && engine !== against)
    throw new InvalidInputError(`--against ${against} compares its own bits: --engine ${engine} has others`);
  return {
    engine,
    seed: place?.seed ?? seed,
    from: place?.index ?? 0,
    count: place ? 1 : count,
    atBoundaries: place?.atBoundaries ?? atBoundaries,
  };
}

/**
 * Generated cases have no recorded result: the host reference is what the GPU has to equal, and on request another
 * engine is what both have to.
 */
async function generated(
  browser: ModelBrowser,
  {
    engine,
    seed,
    from,
    count,
    against,
    atBoundaries,
    kind,
    variant,
  }: Place & Pick<CasesOptions, 'against' | 'kind' | 'variant'>,
) {
  let [elements, runs, mismatchesGpu, mismatchesHost, refused, compared] = [0, 0, 0, 0, 0, 0];
  const failures: CaseMismatch[] = [];
  for (let first = from; first < from + count; first += BATCH) {
    progress(`case ${formatCount(first - from)} of ${formatCount(count)}`);
    const last = Math.min(first + BATCH, from + count);
    const result = await browser.generatedCases(engine, seed, first, last, {
      ...(against && { against }),
      ...{ atBoundaries, kind, variant },
    });
    runs += result.runs;
    elements += result.elements;
    refused += result.refused;
    compared += result.compared;
    failures.push(...result.failures);
    for (const { between, mismatches } of result.failures)
      if (between === 'host and onnxruntime') mismatchesHost += mismatches;
      else mismatchesGpu += mismatches;
  }
  if (kind ?? variant) {
    if (runs === 0)
      throw new InvalidInputError(
        `none of ${formatCount(count)} generated cases is ${kind ? `of kind ${kind}` : `for ${variant}`} ` +
          `under ${engine}: say a larger --count, or another --engine`,
      );
    count = runs;
  }
  return {
    cases: count,
    elements,
    mismatchesHost: against && mismatchesHost,
    mismatchesGpu,
    refused,
    compared: against && compared,
    seed,
    against,
    failures,
  };
}

/** The first element that differs, how to see it again, and where to look at the case. */
function describeFailure(failure: CaseMismatch, { variant }: CasesOptions): string {
  const { id, description, kernel, between, what, index, expected, actual, accumulator, mismatches } = failure;
  const [computed, reference] = between.split(' and ') as [string, string];
  const against = reference === 'onnxruntime' ? ' --against onnxruntime' : '';
  return [
    `${id}: ${description}; ${kernel}: ${formatCount(mismatches)} differ between ${between}, first ${what} ` +
      `[${index.join(', ')}]: ${reference} ${expected}, ${computed} ${actual}` +
      (accumulator === undefined ? '' : `, accumulator ${accumulator}`),
    `  again: npx exact8 cases --case ${id}${against}${variant === undefined ? '' : ` --variant ${variant}`}`,
    `  look:  npm run lab, then http://localhost:5173/?case=${id}`,
  ].join('\n');
}
