import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Option, type Command } from 'commander';
import * as ort from 'onnxruntime-web/wasm';
import { InvalidInputError } from '../../src/errors.ts';
import type { ElementData, GraphNode, TensorInfo } from '../../src/graph/graph.ts';
import { contextOf, definitionOf } from '../../src/layers/infer.ts';
import { findEngine, ENGINES } from '../../src/engines/index.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { ortFolder } from '../chrome/ort_folder.ts';
import { arraysByName } from '../compare/array_names.ts';
import { inputArrays, matchRecorded, recordedQuantizations, type Arrays } from '../compare/match_trace.ts';
import { nearestNames } from '../compare/nearest_names.ts';
import { elementAt, parseElementAddress, type TwoSides } from '../explain/at.ts';
import { explain, type Explanation } from '../explain/explain.ts';
import type { ExplainedLayer, LayerExplanation } from '../explain/explanation.ts';
import { recurringCauses, summarizeClasses } from '../explain/summary.ts';
import { describeLayer, recurringLine } from '../explain/text.ts';
import { decodeFile } from '../images/decode_file.ts';
import { bindEngine, valuesOf, withViews } from '../explain/bound_engine.ts';
import { computedTensors } from '../compare/verify.ts';
import { ORACLE_NAMES, type OracleName } from '../oracles/index.ts';
import { createOnnxruntimeWeb, DisturbedOracleError } from '../oracles/onnxruntime_web.ts';
import { reportLayer } from '../report/explained_layer.ts';
import { renderExplanation, type ReportLayer } from '../report/explanation.ts';
import { formatCount } from '../report/format.ts';
import { readArrays } from './arrays_file.ts';
import { elementText } from './element_address.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readFeeds, type Feeds } from './feeds.ts';
import { writeOutput } from './files.ts';
import { pictureSource, type InputOptions } from './inputs.ts';
import { stopOnInterrupt } from './interrupt.ts';
import { loadModel, type LoadedModel } from './model.ts';
import {
  addInputOptions,
  addMapOption,
  addModelOptions,
  type InputFileOptions,
  type MapOptions,
  type ModelOptions,
} from './options.ts';
import { note, printResult, progress, table } from './output.ts';
import { describeRecorded, readRecorded, withMap } from './trace_file.ts';

interface ExplainOptions extends ModelOptions, MapOptions, InputFileOptions, Pick<InputOptions, 'image' | 'input'> {
  readonly theirs: string;
  readonly against?: string;
  readonly layer?: string;
  readonly inputs?: 'theirs' | 'reference';
  readonly at?: string;
  readonly html?: string;
}

export function addExplain(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('explain')
    .description(
      'say why an implementation differs from a reference: which layers are wrong by themselves, and what they do; needs no browser',
    )
    .option('--image <file>', 'a picture');
  addMapOption(addInputOptions(addModelOptions(command)))
    .requiredOption(
      '--theirs <file>',
      'what the implementation computed: FILE.npz (tensors by name), FILE.npz:name, FILE.npy, hexadecimal words (.hex, .mem, .txt) or raw elements (.bin)',
    )
    .option(
      '--against <reference>',
      "FILE.npz: a recorded trace, or 'onnxruntime' (onnxruntime-web); default: exact8's own result",
    )
    .option('--layer <name>', 'this tensor only; it is what a single array is, whatever its name')
    .addOption(
      new Option(
        '--inputs <whose>',
        'whose inputs layers were computed from; default: those that explain more',
      ).choices(['theirs', 'reference']),
    )
    .option('--at <element>', 'LAYER,c,y,x or LAYER[c][y][x]: this layer only, and one of its elements in full')
    .option('--html <file>', 'a report with pictures, as one file')
    .action(async (options: ExplainOptions) => done(await runExplain(options)));
}

interface Reference {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, ElementData>;
  readonly engines: readonly Engine[];
}

async function runExplain({ at, ...given }: ExplainOptions): Promise<ExitCode> {
  const model = await loadModel(given);
  const address = at === undefined ? undefined : parseElementAddress(at, model.plan.graph);
  const options = address ? { ...given, layer: address.tensor } : given;
  const infos = [...model.plan.graph.tensors.values()];
  const layer = options.layer === undefined ? undefined : tensorNamed(options.layer, infos);
  const file = await withMap(model, options, await readArrays(options.theirs, layer));
  const reference = await readReference(model, options, file);
  const theirs = matchRecorded(file, infos, options.theirs, model.graph.layout, {
    layer: layer?.name,
    numbered: numberedTensors(model),
    about: about(model, reference),
  });
  for (const line of theirs.notes) note(`${options.theirs}: ${line}`);
  for (const name of theirs.unknown)
    note(`${options.theirs}: '${name}' is not in the model; nearest are ${nearestNames(name, namesOf(infos))}`);
  if (layer && !theirs.tensors.has(layer.name))
    throw new InvalidInputError(
      `${options.theirs} does not have '${layer.name}'; nearest are ${nearestNames(layer.name, file.names)}`,
    );
  const inputs = new Set(model.graph.inputs.map(({ name }) => name));
  const theirTensors = new Map([...theirs.tensors].filter(([name]) => !inputs.has(name)));
  const explanation = explain({
    graph: model.graph,
    shapes: Object.fromEntries(model.plan.graph.inputs.map(({ name, shape }) => [name, shape])),
    reference: reference.tensors,
    engines: reference.engines,
    theirEngines: ENGINES,
    theirs: theirTensors,
    unclamped: theirs.unclamped,
    theirQuantization: recordedQuantizations(file, infos),
    ...(options.inputs && { inputs: options.inputs }),
    ...(layer && { layer: layer.name }),
    progress,
  });
  if (!options.json) note(introduce(options, reference, explanation));
  let reproduced: TwoSides['reproduced'];
  const drawn: ReportLayer[] = [];
  const { layers, stopped } = await collect(explanation, options.json ?? false, (layer) => {
    reproduced = layer.reproduced;
    if (options.html !== undefined) drawn.push(reportLayer(layer, explanation.identified.bound));
  });
  if (options.html !== undefined)
    await writeOutput(
      options.html,
      renderExplanation({
        model,
        theirs: options.theirs,
        against: reference.name,
        layers: drawn,
        stopped,
        ...reportedExplanation(explanation),
      }),
    );
  const element =
    address &&
    elementAt(explanation.identified.bound, address, {
      reference: reference.tensors,
      theirs: theirTensors,
      ...(reproduced ? { reproduced } : {}),
    });
  printResult(
    options.json,
    {
      model: model.name,
      modelHash: model.hash,
      theirs: options.theirs,
      against: reference.name,
      engine: explanation.identified.bound.engine.name,
      engines: explanation.identified.equals,
      missed: explanation.identified.missed,
      compared: explanation.compared,
      unknown: theirs.unknown,
      stopped,
      layers,
      classes: summarizeClasses(explanation.classes, layers),
      recurring: recurringCauses(explanation.classes, layers),
      ...(element ? { element } : {}),
    },
    [
      element ? elementText(element) : summarize(layers, explanation, stopped),
      ...(theirs.unknown.length > 0
        ? [
            `not compared: ${formatCount(theirs.unknown.length)} arrays of ${options.theirs} that are not in the model (--map says what they are)`,
          ]
        : []),
    ].join('\n'),
  );
  return layers.length > 0 || stopped ? EXIT.differs : EXIT.done;
}

/** Explains layer by layer, printing as it goes, until all are done or the user has enough (SIGINT). */
async function collect(
  explanation: Explanation,
  quiet: boolean,
  visit: (layer: ExplainedLayer) => void,
): Promise<{ layers: LayerExplanation[]; stopped: boolean }> {
  const stopping = stopOnInterrupt();
  const layers: LayerExplanation[] = [];
  try {
    await setImmediate();
    while (!stopping.asked) {
      const next = explanation.layers.next();
      if (next.done) return { layers, stopped: false };
      layers.push(next.value.explanation);
      visit(next.value);
      if (!quiet) printResult(false, {}, `${describeLayer(next.value.explanation)}\n`);
      // signals are only seen between layers
      await setImmediate();
    }
  } finally {
    stopping.done();
  }
  return { layers, stopped: true };
}

const namesOf = (infos: readonly TensorInfo[]): string[] => infos.map(({ name }) => name);

/** @throws InvalidInputError where there is no such tensor */
function tensorNamed(name: string, infos: readonly TensorInfo[]): TensorInfo {
  const [found] = arraysByName([name], infos).keys();
  const info = infos.find((other) => other.name === found);
  if (!info)
    throw new InvalidInputError(
      `--layer ${name}: the model computes no such tensor; nearest are ${nearestNames(name, namesOf(infos))}`,
    );
  return info;
}

/** What a number may count: the layers with weights, or all. */
function numberedTensors({ plan: { graph, engine } }: LoadedModel) {
  const context = contextOf(graph, graph.tensors, engine);
  const computed = (nodes: readonly GraphNode[]): TensorInfo[] =>
    nodes.map(({ outputs }) => graph.tensors.get(outputs[0]!)!);
  return [
    {
      of: 'layers with weights',
      tensors: computed(graph.nodes.filter((node) => definitionOf(node, context)?.kind === 'linear')),
    },
    { of: 'all layers', tensors: computed(graph.nodes) },
  ];
}

/** The reference's tensors, where it has none what follows from the others. */
function about(model: LoadedModel, { tensors, engines }: Reference): (name: string) => ElementData | undefined {
  let values: ((name: string) => ElementData | undefined) | undefined;
  return (name) => {
    const known = tensors.get(name);
    if (known) return known;
    if (!values) {
      const shapes = Object.fromEntries(model.plan.graph.inputs.map(({ name, shape }) => [name, shape]));
      const bound = bindEngine(model.graph, engines[0]!, shapes);
      values = valuesOf(bound, withViews(bound, tensors));
    }
    return values(name);
  };
}

/** The model's inputs that their file has. */
function inputsOf(model: LoadedModel, file: Arrays, path: string): ReadonlyMap<string, ElementData> {
  const { inputs, tensors } = model.plan.graph;
  const arrays = inputArrays(file, [...tensors.values()], inputs);
  return arrays.names.length > 0
    ? matchRecorded(arrays, inputs, path, model.graph.layout).tensors
    : new Map<string, never>();
}

async function readReference(model: LoadedModel, options: ExplainOptions, theirs: Arrays): Promise<Reference> {
  const { against, engine, threads } = options;
  const chosen = findEngine(model.engine.name, model.engine.options);
  if (against !== undefined && against !== 'onnxruntime') {
    const recorded = await readRecorded(model, against, options);
    for (const line of describeRecorded({ ...recorded, missing: [] })) note(`${against}: ${line}`);
    const feeds = hasInput(options) ? await readGiven(model, options) : {};
    const all = ENGINES.map(({ name }) => findEngine(name, threads === undefined ? {} : { threads }));
    return {
      name: against,
      tensors: new Map([...recorded.tensors, ...dataOf(feeds)]),
      engines: engine === undefined ? [chosen, ...all.filter(({ name }) => name !== chosen.name)] : [chosen],
    };
  }
  const feeds = hasInput(options) ? await readGiven(model, options) : undefined;
  const their = feeds ? undefined : inputsOf(model, theirs, options.theirs);
  const inputs = feeds ? dataOf(feeds) : new Map(model.graph.inputs.map(({ name }) => [name, their!.get(name)]));
  for (const [name, data] of inputs)
    if (!data) throw new InvalidInputError(`nothing says what '${name}' was: say --input or --image`);
  if (against === undefined)
    return {
      name: `exact8, engine ${chosen.name}`,
      tensors: inputs as Map<string, ElementData>,
      engines: [chosen],
    };
  if (model.graph.format !== 'onnx')
    throw new InvalidInputError(`${model.name} is no ONNX model, so onnxruntime cannot run it: say --against FILE.npz`);
  if (!feeds) throw new InvalidInputError('onnxruntime has to run the model: say --input or --image');
  const [name] = ORACLE_NAMES as [OracleName];
  return { name, tensors: await runOnnxruntime(model, feeds), engines: [findEngine(name)] };
}

async function runOnnxruntime(model: LoadedModel, feeds: Feeds): Promise<Map<string, ElementData>> {
  progress('running onnxruntime-web');
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
  const oracle = await createOnnxruntimeWeb(model.bytes, computedTensors(model.plan.graph));
  try {
    const { tensors, disturbed } = await oracle.run(feeds);
    if (disturbed !== undefined) throw new DisturbedOracleError(disturbed);
    return new Map([...dataOf(feeds), ...dataOf(tensors)]);
  } finally {
    await oracle.release();
  }
}

const hasInput = ({ image, input }: ExplainOptions): boolean => image !== undefined || input !== undefined;

const dataOf = (feeds: Feeds): Map<string, ElementData> =>
  new Map(Object.entries(feeds).map(([name, { data }]) => [name, data]));

async function readGiven(model: LoadedModel, { image, input, preprocess }: ExplainOptions): Promise<Feeds> {
  if (image !== undefined && input !== undefined) throw new InvalidInputError('say either --image or --input');
  if (input !== undefined) return readFeeds(model.graph, input);
  return (await pictureSource(model, image!, preprocess)).feeds({ decode: decodeFile });
}

/** What the report says of the reference's engine and of all that was compared. */
function reportedExplanation({ identified, compared, classes }: Explanation) {
  const { bound, equals, missed } = identified;
  const infos = compared.map((name) => {
    const node = bound.graph.nodes.find(({ outputs }) => outputs[0] === name)!;
    return { name, op: node.op, shape: bound.graph.tensors.get(name)!.shape };
  });
  return {
    engine: bound.engine,
    engines: equals,
    classes,
    compared: infos,
    ...(missed.length > 0
      ? { note: `no engine that is known reproduces ${missed.join(', ')}: nothing here is certain` }
      : {}),
  };
}

function introduce(
  { theirs, against, engine }: ExplainOptions,
  reference: Reference,
  { identified }: Explanation,
): string {
  const { bound, equals, missed } = identified;
  const { name, description } = bound.engine;
  if (against === undefined) return `${theirs} against ${reference.name}: ${description}\n`;
  if (missed.length > 0 && engine !== undefined)
    return `${against}: ${name}, which --engine names, does not reproduce it (${missed.length} tensors are missed, the first: ${missed[0]}): nothing below is certain. Another may: leave --engine out, or ask exact8 identify.\n`;
  if (missed.length > 0)
    return `${against}: NO ENGINE THAT IS KNOWN REPRODUCES IT (${missed.length} tensors are missed, the first: ${missed[0]}). Taken as ${name}, the nearest (${description}): nothing below is certain.\n`;
  return equals.length > 1
    ? `${against}: made by ${equals.join(' or ')}, which agree in all that it has; taken as ${name}\n`
    : `${against}: made by ${name} (${description})\n`;
}

function classTable(classes: Explanation['classes'], layers: readonly LayerExplanation[]): string {
  const head = ['', 'compared', 'differ', 'wrong by themselves', 'explained', 'certain'];
  const rows = summarizeClasses(classes, layers).map((row) => [
    row.class,
    ...[row.compared, row.differ, row.own, row.explained, row.certain].map(String),
  ]);
  return table(head, rows, head.slice(1));
}

function summarize(layers: readonly LayerExplanation[], { compared, classes }: Explanation, stopped: boolean): string {
  if (layers.length === 0 && !stopped) return `${compared.length} tensors, every value equal`;
  const of = (wanted: LayerExplanation['origin']) => layers.filter(({ origin }) => origin === wanted);
  const count = (n: number, of: string): string => `${formatCount(n)} ${of}`;
  const [own, reference] = [of('own'), of('reference')];
  const [first] = own;
  return [
    `${count(compared.length, 'tensors compared')}, ${count(layers.length, 'differ')}: ` +
      `${count(own.length, 'wrong by themselves')}, ${count(of('inherited').length, 'only inherit')}` +
      (reference.length > 0 ? `, ${count(reference.length, 'in which the reference deviates')}` : '') +
      (stopped ? ' (stopped before the end)' : ''),
    ...(first ? [`the first that is wrong by itself: ${first.name}`] : []),
    ...recurringCauses(classes, layers).map(recurringLine),
    ...(layers.length > 1 ? ['', classTable(classes, layers), ''] : []),
    `${count(own.filter(({ exact }) => exact).length, 'explained exactly')}, ` +
      `${count(own.filter(({ exact }) => !exact).length, 'not')}; certain: ${own.filter(({ certain }) => certain).length}`,
  ].join('\n');
}
