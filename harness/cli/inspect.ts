import { Option, type Command } from 'commander';
import type { Step } from '../../src/kernels/step.ts';
import { stepCost } from '../../src/plan/cost.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { FORMS, type ProvedRequantization } from '../../src/requantize/prove.ts';
import { formatCount } from '../report/format.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { addCostOptions, runCost, type CostOptions } from './inspect_cost.ts';
import { describeOverflows, overflowsOf } from './inspect_overflow.ts';
import { loadModel, type LoadedModel } from './model.ts';
import { addFusionOption, addModelOptions, type FusionOptions } from './options.ts';
import { printResult, tableOf, type Column } from './output.ts';
import { printStage, STAGES, type Stage } from './stages.ts';

const FORMULAS = new Map(FORMS.map(({ name, formula }) => [name, formula]));

interface InspectedLayer {
  readonly node: string;
  readonly op: string;
  readonly kernel: string;
  /** The nodes whose work it does, where it is a fusion of several. */
  readonly nodes?: readonly string[];
  readonly output: string;
  readonly type: string;
  /** NCHW. */
  readonly shape: readonly number[];
  readonly macs: number;
  /** Why the engine computes sums of products in float32. */
  readonly because?: string;
  /** What the dispatch reads and writes: tensors, weights, parameters. */
  readonly bytes: number;
  /** The requantization that was proved, where the layer has one. */
  readonly form?: string;
  /** How many boundaries the proof checked. */
  readonly boundaries?: number;
  /** Cheaper forms, and the channel that refutes each. */
  readonly rejected?: ProvedRequantization['rejected'];
  /** Output channels in which some input makes a pair of products leave int16. */
  readonly overflowingChannels?: number;
}

type Inspection = ReturnType<typeof inspectPlan>;

type InspectOptions = CostOptions & FusionOptions & { readonly stage: Stage };

export function addInspect(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('inspect')
    .description('show the plan of a model, or what becomes of it on the way there; needs no browser')
    .addOption(new Option('--stage <stage>', 'what to show').choices(STAGES).default('plan'));
  addCostOptions(addFusionOption(addModelOptions(command))).action(async (options: InspectOptions) =>
    done(await runInspect(options)),
  );
}

async function runInspect(options: InspectOptions): Promise<ExitCode> {
  if (options.cost) return runCost(options);
  const model = await loadModel(options);
  const { stage } = options;
  if (stage !== 'plan') {
    const { data, text } = printStage(model, stage);
    printResult(options.json, { model: model.name, engine: model.plan.engine.name, stage, [stage]: data }, text);
    return EXIT.done;
  }
  const inspection = inspectPlan(model.plan);
  const overflows = overflowsOf(model);
  printResult(
    options.json,
    { ...inspectionResult(model, inspection), overflows },
    `${describeInspection(model, inspection)}\n\n${describeOverflows(overflows)}`,
  );
  return EXIT.done;
}

export function inspectPlan(plan: Plan) {
  const layers = plan.steps.map((step) => inspectStep(step, plan));
  const sum = (of: (layer: InspectedLayer) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
  const forms: Record<string, number> = {};
  for (const { form } of layers) if (form) forms[form] = (forms[form] ?? 0) + 1;
  return {
    layers,
    totals: {
      nodes: plan.graph.nodes.length,
      dispatches: layers.length,
      macs: sum(({ macs }) => macs),
      bytes: sum(({ bytes }) => bytes),
      /** GPU memory for tensors, shared by lifetime. */
      bufferBytes: plan.buffers.reduce((total, bytes) => total + bytes, 0),
      /** How many layers have which form. */
      forms,
    },
  };
}

function inspectStep(step: Step, plan: Plan): InspectedLayer {
  const { node, op, kernel, output, macs, proof, overflowingChannels, parts } = step;
  const { type, shape } = plan.tensors.get(output)!;
  const because = plan.graph.nodes.find(({ outputs }) => outputs[0] === output)?.attributes['because'];
  return {
    node,
    op,
    kernel,
    output,
    type,
    shape,
    macs,
    bytes: stepCost(step, plan).bytes,
    ...(because !== undefined && { because: String(because) }),
    ...(parts && { nodes: parts.map((part) => part.node) }),
    ...(proof && { form: proof.form, boundaries: proof.boundaries, rejected: proof.rejected }),
    ...(overflowingChannels && { overflowingChannels }),
  };
}

function inspectionResult({ name, hash, graph, plan }: LoadedModel, inspection: Inspection): object {
  return {
    model: name,
    modelHash: hash,
    format: graph.format,
    engine: plan.engine.name,
    inputs: plan.graph.inputs.map(({ name, type, shape }) => ({ name, type, shape })),
    outputs: plan.graph.outputs.map((name) => {
      const { type, shape } = plan.graph.tensors.get(name)!;
      return { name, type, shape };
    }),
    ...inspection,
  };
}

/** Why the form just below the one that was proved was not taken. */
function whyNotCheaper({ rejected = [] }: InspectedLayer): string {
  const last = rejected.at(-1);
  return last ? `${last.form}: channel ${last.channel} ${last.reason}` : '';
}

const COLUMNS: readonly Column<InspectedLayer>[] = [
  ['tensor', 'text', ({ output }) => output],
  ['operator', 'text', ({ op }) => op],
  ['kernel', 'text', ({ kernel }) => kernel],
  ['output', 'text', ({ type, shape }) => `${type} ${shape.join('x')}`],
  ['MACs', 'number', ({ macs }) => formatCount(macs)],
  ['bytes', 'number', ({ bytes }) => formatCount(bytes)],
  ['proved form', 'text', ({ form }) => form],
  ['the next cheaper one', 'text', whyNotCheaper],
  ['overflows', 'text', ({ overflowingChannels: channels }) => channels && `${channels} channels`],
  ['in float32, for', 'text', ({ because }) => because],
];

function describeInspection({ name, plan }: LoadedModel, { layers, totals }: Inspection): string {
  const tensor = (name: string): string => {
    const { type, shape } = plan.graph.tensors.get(name)!;
    return `${name} ${type} [${shape.join(', ')}]`;
  };
  const forms = Object.entries(totals.forms).map(([form, count]) => {
    const all = Object.values(totals.forms).reduce((sum, n) => sum + n, 0);
    return `  ${form}: ${count} of ${all} layers (${((100 * count) / all).toFixed(1)} %): ${FORMULAS.get(form)}`;
  });
  return [
    `${name}, engine ${plan.engine.name}: ${plan.engine.description}`,
    `inputs:  ${plan.graph.inputs.map(({ name }) => tensor(name)).join('; ')}`,
    `outputs: ${plan.graph.outputs.map(tensor).join('; ')}`,
    '',
    tableOf(COLUMNS, layers),
    '',
    `${formatCount(totals.macs)} MACs, ${formatCount(totals.bytes)} bytes read and written in ` +
      `${totals.dispatches} dispatches; ${formatCount(totals.bufferBytes)} bytes of buffers`,
    'requantization:',
    ...forms,
  ].join('\n');
}
