import { Option, type Command } from 'commander';
import { addComparisons, type Comparison, type TensorComparison } from '../compare/compare.ts';
import type { Verification } from '../worker/protocol.ts';
import { withModel, type ModelBrowser } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash } from './feeds.ts';
import { inputSources, type InputOptions, type InputSource } from './inputs.ts';
import { loadModel, sha256, type LoadedModel } from './model.ts';
import { addInferenceOptions, integer, type InferenceOptions } from './options.ts';
import { formatCount, note, printResult, progress, table } from './output.ts';

/** What is verified where no input is named. */
const DEFAULT_SEED = 1;

interface VerifyOptions extends InferenceOptions, InputOptions {
  readonly runs: number;
  readonly against: string;
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
  addInferenceOptions(command)
    .option(
      '--random <seed>',
      `uniformly distributed input, the same for the same seed (default: ${DEFAULT_SEED})`,
      integer(0),
    )
    .option('--extremes', 'all lowest, all highest, two checkerboards')
    .option('--runs <n>', 'run each input n times: all must be identical', integer(1), 1)
    .addOption(
      new Option('--against <engine>', 'the engine to compare with').choices(['onnxruntime']).default('onnxruntime'),
    )
    .action(async (options: VerifyOptions) => done(await runVerify(options)));
}

async function runVerify(options: VerifyOptions): Promise<ExitCode> {
  const model = await loadModel(options.model, options.semantics);
  const sources = await inputSources(model, hasInput(options) ? options : { random: DEFAULT_SEED });
  const { adapter, inputs } = await withModel(model, options, async (browser) => ({
    adapter: browser.adapter,
    inputs: await verifyInputs(browser, sources, options.runs),
  }));
  const comparison = addComparisons(inputs.map(({ verification }) => verification.comparison));
  printResult(
    options.json,
    verifyResult(model, options.against, adapter, inputs, comparison, options.runs),
    [
      comparisonTable(comparison),
      ...inputs.map(describeInput),
      `${model.name}, semantics ${model.plan.semantics.name}, against ${options.against}, on ${adapter}`,
    ].join('\n'),
  );
  return exitCode(inputs, comparison);
}

function hasInput({ image, input, random, extremes }: InputOptions): boolean {
  return [image, input, random, extremes].some((option) => option !== undefined);
}

export async function verifyInputs(
  browser: ModelBrowser,
  sources: readonly InputSource[],
  runs: number,
): Promise<VerifiedInput[]> {
  const inputs: VerifiedInput[] = [];
  for (const [i, source] of sources.entries()) {
    progress(`verifying ${source.name} (${i + 1} of ${sources.length})`);
    const feeds = await source.feeds(browser);
    const verification = await browser.verify(feeds, runs);
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

function verifyResult(
  model: LoadedModel,
  against: string,
  adapter: string,
  inputs: readonly VerifiedInput[],
  comparison: Comparison,
  runs: number,
): object {
  return {
    model: model.name,
    modelHash: model.hash,
    inputHash: combinedHash(inputs),
    semantics: model.plan.semantics.name,
    against,
    mode: 'end-to-end',
    adapter,
    tensors: comparison.tensors,
    elements: comparison.elements,
    mismatches: comparison.mismatches,
    runs,
    inputs: inputs.map(({ name, hash, verification }) => ({
      name,
      inputHash: hash,
      elements: verification.comparison.elements,
      mismatches: verification.comparison.mismatches,
      identicalRuns: verification.unsteady === undefined,
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

/** A row a tensor, then the totals. */
export function comparisonTable({ tensors, elements, mismatches }: Comparison): string {
  const head = ['tensor', 'operator', 'shape', 'elements', 'mismatches', 'max |diff|', 'first mismatch'];
  const row = (tensor: TensorComparison): string[] => [
    tensor.name,
    tensor.op,
    tensor.shape.join('x'),
    formatCount(tensor.elements),
    formatCount(tensor.mismatches),
    String(tensor.maxAbsDiff),
    tensor.first
      ? `[${tensor.first.index.join(', ')}] expected ${tensor.first.expected}, got ${tensor.first.actual}`
      : '',
  ];
  const largest = String(tensors.reduce((max, { maxAbsDiff }) => Math.max(max, maxAbsDiff), 0));
  const total = ['total', '', '', formatCount(elements), formatCount(mismatches), largest, ''];
  return table(head, [...tensors.map(row), total], ['elements', 'mismatches', 'max |diff|']);
}
