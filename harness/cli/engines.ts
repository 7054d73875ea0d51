import type { Command } from 'commander';
import { UnsupportedModelError } from '../../src/errors.ts';
import type { ElementData } from '../../src/graph/graph.ts';
import { inferGraph } from '../../src/layers/infer.ts';
import { referenceTrace } from '../../src/plan/reference.ts';
import { findEngine, ENGINES } from '../../src/engines/index.ts';
import type { Trace } from '../../src/trace.ts';
import { formatCount } from '../report/format.ts';
import { withModel } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash, type Feeds } from './feeds.ts';
import { inputSources, type InputOptions } from './inputs.ts';
import { printMine } from './mine.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addInferenceOptions, type InferenceOptions } from './options.ts';
import { note, printResult, progress, table } from './output.ts';
import { rewrite } from '../../src/rewrite/index.ts';

interface EnginesOptions extends InferenceOptions, Pick<InputOptions, 'image' | 'input'> {
  readonly mine?: boolean;
}

interface Pair {
  readonly engines: readonly [string, string];
  /** Elements of all 8-bit tensors that differ, end to end. */
  readonly differing: number;
  /** Elements of the graph's outputs that differ. */
  readonly outputs: number;
}

export function addEngines(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('engines')
    .description(
      'how much the engines differ: for one model and input, the elements that differ for every pair of them',
    )
    .option('--mine', 'which engine PyTorch, onnxruntime and others are on this machine; needs no model')
    .option('--image <file>', 'a picture');
  addInferenceOptions(command).action(async (options: EnginesOptions) =>
    done(options.mine ? printMine(options.json) : await runEngines(options)),
  );
}

async function runEngines(options: EnginesOptions): Promise<ExitCode> {
  const model = await loadModel(options);
  const [source] = await inputSources(model, options);
  // only a picture needs a browser, to be decoded
  const feeds = source!.needsBrowser
    ? await withModel(model, options, (browser) => source!.feeds(browser))
    : await source!.feeds(undefined as never);
  const traces = traceAll(model, feeds, options.threads);
  const pairs = traces.flatMap((a, i) => traces.slice(i + 1).map((b) => compare(a, b)));
  const elements = count(traces[0]!.trace, () => true);
  const outputs = model.plan.graph.outputs.reduce((sum, name) => sum + traces[0]!.trace.outputs[name]!.data.length, 0);
  printResult(
    options.json,
    {
      model: model.name,
      inputHash: inputHash(feeds),
      engines: traces.map(({ name }) => name),
      elements,
      outputs,
      pairs,
    },
    [
      matrix(
        traces.map(({ name }) => name),
        pairs,
        elements,
      ),
      '',
      `${model.name}, ${source!.name}: of ${formatCount(elements)} elements of 8-bit tensors (and of ${formatCount(outputs)} outputs), how many differ end to end`,
    ].join('\n'),
  );
  return EXIT.done;
}

interface EngineTrace {
  readonly name: string;
  readonly trace: Trace;
}

function traceAll(model: LoadedModel, feeds: Feeds, threads: number | undefined): EngineTrace[] {
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  return ENGINES.flatMap(({ name }) => {
    progress(`running under ${name}`);
    const engine = findEngine(name, threads === undefined ? {} : { threads });
    try {
      const graph = inferGraph(rewrite(model.graph, engine), engine, shapes);
      return [{ name, trace: referenceTrace({ graph, engine }, feeds) }];
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      note(`${name} cannot run it: ${error.message}`);
      return [];
    }
  });
}

const isByte = (data: ElementData): boolean => data instanceof Uint8Array || data instanceof Int8Array;

function count(trace: Trace, differs: (tensor: Trace['tensors'][number], i: number) => boolean): number {
  let total = 0;
  for (const tensor of trace.tensors) {
    if (tensor.op === 'input' || !isByte(tensor.data)) continue;
    for (let i = 0; i < tensor.data.length; i++) if (differs(tensor, i)) total++;
  }
  return total;
}

function compare(a: EngineTrace, b: EngineTrace): Pair {
  const others = new Map(b.trace.tensors.map((tensor) => [tensor.name, tensor.data]));
  const outputs = Object.entries(a.trace.outputs).reduce(
    (sum, [name, { data }]) => sum + [...data].filter((v, i) => !Object.is(v, b.trace.outputs[name]!.data[i])).length,
    0,
  );
  return {
    engines: [a.name, b.name],
    differing: count(a.trace, ({ name, data }, i) => data[i] !== others.get(name)?.[i]),
    outputs,
  };
}

function matrix(names: readonly string[], pairs: readonly Pair[], elements: number): string {
  const cell = (row: string, column: string): string => {
    const pair = pairs.find(({ engines }) => engines.includes(row) && engines.includes(column));
    if (row === column || !pair) return row === column ? '-' : '';
    return `${formatCount(pair.differing)} (${((100 * pair.differing) / elements).toFixed(1)} %; ${pair.outputs})`;
  };
  return table(
    ['', ...names],
    names.map((row) => [row, ...names.map((column) => cell(row, column))]),
    names,
  );
}
