import type { Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { addComparisons, type Comparison, type TensorComparison } from '../compare/compare.ts';
import type { Recorded } from '../compare/match_trace.ts';
import type { Oracle } from '../oracles/onnxruntime_web.ts';
import { TFJS_TFLITE } from '../oracles/tfjs_tflite.ts';
import { formatCount } from '../report/format.ts';
import type { TestCase } from '../report/test_report.ts';
import type { Verification, VerifyRequest } from '../worker/protocol.ts';
import { withModel, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash, type Feeds } from './feeds.ts';
import { fixed, inputSources, type InputOptions, type InputSource } from './inputs.ts';
import { engineAgainst, openLiveTflite } from './live_tflite.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { sha256 } from './sha256.ts';
import {
  addFusionOption,
  addInferenceOptions,
  addMapOption,
  integer,
  type FusionOptions,
  type InferenceOptions,
  type MapOptions,
} from './options.ts';
import { note, printResult, progress, tableOf, type Column } from './output.ts';
import { describeRecorded, readRecorded, recordedFeeds } from './trace_file.ts';
import { addTestReportOptions, reportTests, testsOf, type TestReportOptions } from './test_report.ts';
import { verifyModels } from './verify_models.ts';

/** What is verified where no input is named. */
const DEFAULT_SEED = 1;

interface VerifyOptions extends InferenceOptions, InputOptions, FusionOptions, MapOptions, TestReportOptions {
  readonly runs: number;
  readonly against?: string;
  readonly eachLayer?: boolean;
  readonly markdown?: string;
}

/** What a model is compared with: what the worker runs, what was recorded, or what runs here. */
export interface Reference {
  readonly name: string;
  readonly against: 'onnxruntime' | Feeds | Oracle['run'];
  readonly recorded?: Recorded;
}

/** The comparison of one input. */
export interface VerifiedInput {
  readonly name: string;
  readonly hash: string;
  readonly verification: Verification;
}

export function addVerify(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('verify')
    .description('compare every tensor with another engine, bit for bit, from the same input')
    .option('--image <file>', 'a picture');
  addTestReportOptions(addMapOption(addFusionOption(addInferenceOptions(command))))
    .option(
      '--random <seed>',
      `uniformly distributed input, the same for the same seed (default: ${DEFAULT_SEED})`,
      integer(0),
    )
    .option('--extremes', 'all lowest, all highest, two checkerboards')
    .option('--runs <n>', 'run each input n times: all must be identical', integer(1), 1)
    .option(
      '--against <reference>',
      "'onnxruntime' (onnxruntime-web), 'tflite' (tfjs-tflite), or FILE.npz: a recorded trace (default for ONNX models: onnxruntime)",
    )
    .option('--each-layer', "also compute every layer from the reference's own inputs")
    .option(
      '--models <path...>',
      'every model of these files and folders, in a table: which run, and why others do not',
    )
    .option('--markdown <file>', 'with --models: also write the table into a file')
    .action(async ({ models, ...options }: VerifyOptions & { models?: string[] }) =>
      done(
        await reportTests('exact8 verify', options, () =>
          models ? verifyModels(models, options, verifyBriefly(options)) : runVerify(options),
        ),
      ),
    );
}

async function runVerify(options: VerifyOptions): Promise<{ cases: TestCase[]; code: ExitCode }> {
  const model = await loadModel(options, engineAgainst(options.against));
  const reference = await chooseReference(model, options);
  const sources = await chooseSources(model, options, reference);
  for (const line of reference.recorded ? describeRecorded(reference.recorded) : []) note(line);
  const { adapter, inputs } = await withModel(model, options, async (browser) => ({
    adapter: browser.adapter,
    inputs: await verifyInputs(browser, sources, options.runs, reference.against, options.eachLayer ?? false),
  }));
  const comparison = addComparisons(inputs.map(({ verification }) => verification.comparison));
  const forced = inputs.flatMap(({ verification }) => verification.layers ?? []);
  const layers = forced.length > 0 ? addComparisons(forced) : undefined;
  printResult(
    options.json,
    verifyResult(model, reference, adapter, inputs, comparison, layers, options.runs),
    [
      layers ? bothViews(comparison, layers) : comparisonTable(comparison),
      ...inputs.map(describeInput),
      `${model.name}, engine ${model.engine.name}, against ${reference.name}, on ${adapter}`,
      ...inputs.slice(0, 1).map(({ verification }) => describePlan(verification)),
      ...describeOnlyOutputs(inputs),
      ...describeNotCompared(reference.recorded),
    ].join('\n'),
  );
  return {
    cases: testsOf(model.name, inputs, reference.recorded?.missing),
    code: exitCode(inputs, layers ? addUp(comparison, layers) : comparison),
  };
}

/** A sum of equal elements says nothing of those that were not there. */
function describeNotCompared(recorded: Recorded | undefined): string[] {
  const { missing = [], unknown = [] } = recorded ?? {};
  return [
    ...(missing.length > 0 ? [`not compared: ${formatCount(missing.length)} tensors that are not in the trace`] : []),
    ...(unknown.length > 0 ? [`not compared: ${formatCount(unknown.length)} arrays that are not in the model`] : []),
  ];
}

const addUp = (a: Comparison, b: Comparison): Comparison => ({ ...a, mismatches: a.mismatches + b.mismatches });

/** Each model of several, from the inputs that are named or random ones. */
const verifyBriefly = (options: VerifyOptions) => async (browser: ModelBrowser, model: LoadedModel) => {
  const sources = await inputSources(model, hasInput(options) ? options : { random: DEFAULT_SEED });
  const verifications = (await verifyInputs(browser, sources, options.runs)).map(({ verification }) => verification);
  const { elements, mismatches } = addComparisons(verifications.map(({ comparison }) => comparison));
  return { elements, mismatches, onlyOutputs: verifications.some(({ onlyOutputs }) => onlyOutputs !== undefined) };
};

/** @throws InvalidInputError where a trace cannot be compared with the model, or nothing says what to compare with */
async function chooseReference(model: LoadedModel, options: VerifyOptions): Promise<Reference> {
  const { against } = options;
  if (against === TFJS_TFLITE.oracle) return { name: against, against: (await openLiveTflite(model)).run };
  if (against !== undefined && against !== 'onnxruntime') {
    if (!/\.npz$/i.test(against))
      throw new InvalidInputError(`--against ${against}: supported: onnxruntime, tflite, or a trace (FILE.npz)`);
    const recorded = await readRecorded(model, against, options);
    const given = new Set(model.plan.graph.inputs.map(({ name }) => name));
    if (![...recorded.tensors.keys()].some((name) => !given.has(name)))
      throw new InvalidInputError(
        `${against} has no tensor that the model computes, so there is nothing to compare: ` +
          `it has ${[...given, ...recorded.unknown].slice(0, 5).join(', ')}; names of arrays are said by --map`,
      );
    return { name: against, against: recordedFeeds(model, recorded), recorded };
  }
  if (model.graph.format !== 'onnx')
    throw new InvalidInputError(
      `${model.name} is no ONNX model, so onnxruntime cannot run it: say --against FILE.npz` +
        (model.graph.format === TFJS_TFLITE.format ? ', or --against tflite' : ''),
    );
  return { name: 'onnxruntime', against: 'onnxruntime' };
}

/** The inputs that are named; else those that the trace was made with; else random ones. */
async function chooseSources(
  model: LoadedModel,
  options: VerifyOptions,
  { name, recorded }: Reference,
): Promise<InputSource[]> {
  if (hasInput(options)) {
    const sources = await inputSources(model, options);
    return recorded ? sources.map((source) => recordedFrom(source, recorded, name)) : sources;
  }
  if (!recorded) return inputSources(model, { random: DEFAULT_SEED });
  if (model.graph.inputs.some((input) => !recorded.tensors.has(input.name)))
    throw new InvalidInputError(`${name} does not have the model's input: say --input or --image`);
  const feeds = recordedFeeds(model, recorded);
  return [fixed(name, Object.fromEntries(model.graph.inputs.map((input) => [input.name, feeds[input.name]!])))];
}

/** An input beside a recorded one: they are the same, or nothing is to be learned. @throws InvalidInputError, once it is fed */
function recordedFrom(source: InputSource, recorded: Recorded, name: string): InputSource {
  return {
    ...source,
    async feeds(browser) {
      const feeds = await source.feeds(browser);
      for (const [input, { data }] of Object.entries(feeds)) {
        const of = recorded.tensors.get(input);
        const at = of ? of.findIndex((value, i) => !Object.is(value, data[i])) : -1;
        if (at >= 0)
          throw new InvalidInputError(
            `${name} was recorded from another input than ${source.name}: '${input}' is ${of![at]} there and ${data[at]} here at element ${at}; ` +
              "say no input, and the trace's own is taken",
          );
      }
      return feeds;
    },
  };
}

function hasInput({ image, input, random, extremes }: InputOptions): boolean {
  return [image, input, random, extremes].some((option) => option !== undefined);
}

async function verifyOne(
  browser: ModelBrowser,
  feeds: Feeds,
  against: Reference['against'],
  options: Omit<VerifyRequest, 'against'>,
): Promise<Verification> {
  if (typeof against !== 'function') return browser.verify(feeds, { ...options, against });
  const { outputs, tensors, disturbed } = await against(feeds);
  const verification = await browser.verify(feeds, { ...options, against: { ...outputs, ...tensors } });
  return disturbed === undefined ? verification : { ...verification, onlyOutputs: disturbed };
}

export async function verifyInputs(
  browser: ModelBrowser,
  sources: readonly InputSource[],
  runs: number,
  against: Reference['against'] = 'onnxruntime',
  eachLayer = false,
): Promise<VerifiedInput[]> {
  const inputs: VerifiedInput[] = [];
  for (const [i, source] of sources.entries()) {
    progress(`verifying ${source.name} (${i + 1} of ${sources.length})`);
    const feeds = await source.feeds(browser);
    const verification = await verifyOne(browser, feeds, against, { runs, eachLayer });
    inputs.push({ name: source.name, hash: inputHash(feeds), verification });
    const { unsteady } = verification;
    if (unsteady) note(`${source.name}: run ${unsteady.run} gives another ${unsteady.tensor} than run 1`);
  }
  return inputs;
}

export function exitCode(inputs: readonly VerifiedInput[], comparison: Comparison): ExitCode {
  const steady = inputs.every(({ verification }) => verification.unsteady === undefined);
  return steady && comparison.mismatches === 0 ? EXIT.done : EXIT.differs;
}

/** Tensors are traced node by node; `run`, which users call, may fuse, so its outputs are compared with the trace's. */
function describePlan({ plan: { fusion, dispatches }, unsteady }: Verification): string {
  const outputs = unsteady
    ? `run ${unsteady.run} gives another ${unsteady.tensor} than the tensors above`
    : 'the outputs of run() are the same bits';
  return `compared node by node; run() takes ${dispatches} dispatches (fusion ${fusion}): ${outputs}`;
}

function describeOnlyOutputs(inputs: readonly VerifiedInput[]): string[] {
  const reasons = new Set(inputs.flatMap(({ verification: { onlyOutputs } }) => onlyOutputs ?? []));
  return [...reasons].map((reason) => `compared the model's final outputs only: ${reason}`);
}

function verifyResult(
  model: LoadedModel,
  reference: Reference,
  adapter: string,
  inputs: readonly VerifiedInput[],
  comparison: Comparison,
  layers: Comparison | undefined,
  runs: number,
): object {
  const shown = layers ?? comparison;
  return {
    model: model.name,
    modelHash: model.hash,
    inputHash: combinedHash(inputs),
    engine: model.engine.name,
    ...(model.engine.options.threads ? { threads: model.engine.options.threads } : {}),
    against: reference.name,
    mode: layers ? 'teacher-forced' : 'end-to-end',
    adapter,
    tensors: shown.tensors,
    elements: shown.elements,
    mismatches: shown.mismatches,
    ...(layers ? { endToEnd: comparison } : {}),
    ...(reference.recorded
      ? { missing: reference.recorded.missing, unknown: reference.recorded.unknown, resolved: reference.recorded.notes }
      : {}),
    runs,
    ...(inputs[0] && { plan: inputs[0].verification.plan }),
    inputs: inputs.map(({ name, hash, verification }) => ({
      name,
      inputHash: hash,
      elements: verification.comparison.elements,
      mismatches: verification.comparison.mismatches,
      identicalRuns: verification.unsteady === undefined,
      ...(verification.onlyOutputs !== undefined && { onlyOutputs: verification.onlyOutputs }),
    })),
  };
}

/** The input's hash; of several inputs, the SHA-256 of their hashes one after the other. */
function combinedHash(inputs: readonly VerifiedInput[]): string {
  const [only, ...others] = inputs.map(({ hash }) => hash);
  return others.length === 0 ? only! : sha256(new TextEncoder().encode([only, ...others].join('')));
}

function describeInput({ name, verification: { comparison, unsteady } }: VerifiedInput): string {
  const runs = unsteady ? `, run ${unsteady.run} differs from run 1 in ${unsteady.tensor}` : '';
  return `${name}: ${formatCount(comparison.mismatches)} of ${formatCount(comparison.elements)} differ${runs}`;
}

/** Both views of each tensor, side by side: what is wrong by itself, and what only inherits. */
function bothViews(endToEnd: Comparison, layers: Comparison): string {
  const whole = new Map(endToEnd.tensors.map((tensor) => [tensor.name, formatCount(tensor.mismatches)]));
  return tableOf<TensorComparison>(
    [
      ...TENSOR_COLUMNS,
      ['end to end', 'number', ({ name }) => whole.get(name)],
      ['by itself', 'number', ({ mismatches }) => formatCount(mismatches)],
      ['first mismatch by itself', 'text', firstMismatch],
    ],
    layers.tensors,
    ['total', '', '', ...[layers.elements, endToEnd.mismatches, layers.mismatches].map(formatCount), ''],
  );
}

const TENSOR_COLUMNS: readonly Column<TensorComparison>[] = [
  ['tensor', 'text', ({ name }) => name],
  ['operator', 'text', ({ op }) => op],
  ['shape', 'text', ({ shape }) => shape.join('x')],
  ['elements', 'number', ({ elements }) => formatCount(elements)],
];

function firstMismatch({ first }: TensorComparison): string {
  return first ? `[${first.index.join(', ')}] expected ${first.expected}, got ${first.actual}` : '';
}

/** A row a tensor, then the totals. */
export function comparisonTable({ tensors, elements, mismatches }: Comparison): string {
  const largest = tensors.reduce((max, { maxAbsDiff }) => Math.max(max, maxAbsDiff), 0);
  return tableOf<TensorComparison>(
    [
      ...TENSOR_COLUMNS,
      ['mismatches', 'number', ({ mismatches }) => formatCount(mismatches)],
      ['max |diff|', 'number', ({ maxAbsDiff }) => maxAbsDiff],
      ['first mismatch', 'text', firstMismatch],
    ],
    tensors,
    ['total', '', '', formatCount(elements), formatCount(mismatches), String(largest), ''],
  );
}
