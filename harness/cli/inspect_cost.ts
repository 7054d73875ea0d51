import { InvalidArgumentError, type Command } from 'commander';
import { InvalidInputError } from '../../src/errors.ts';
import { planCost, planMemory, type PlanCost } from '../../src/plan/cost.ts';
import { FUSIONS, type Fusion } from '../../src/join/fusion.ts';
import type { Step } from '../../src/kernels/step.ts';
import { createPlan, type Plan } from '../../src/plan/plan.ts';
import { checkPlan, readBench, type CheckedStep } from '../cost/check.ts';
import { GPUS, type Device } from '../cost/gpus.ts';
import { predictPlan, type PlanPrediction } from '../cost/predict.ts';
import { formatCount } from '../report/format.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { readInput } from './files.ts';
import { loadModel, type LoadedModel } from './model.ts';
import type { ModelOptions } from './options.ts';
import { printResult, table, tableOf, type Column } from './output.ts';

export interface CostOptions extends ModelOptions {
  readonly cost?: boolean;
  readonly gpu?: string;
  readonly tops?: number;
  readonly bandwidth?: number;
  readonly dispatch?: number;
  readonly processors: number;
  readonly fusion?: Fusion;
  readonly check?: string;
}

interface PlannedCost {
  readonly fusion: Fusion;
  readonly plan: Plan;
  readonly cost: PlanCost;
  readonly predictions: readonly (PlanPrediction & { readonly device: Device })[];
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('a positive number is needed.');
  return value;
}

export function addCostOptions(command: Command): Command {
  return command
    .option('--cost', 'what the model costs on paper, layer by layer, fused and not')
    .option('--gpu <name>', `a GPU by its published figures: ${GPUS.map(({ name }) => name).join(', ')} (default: all)`)
    .option('--tops <t>', '10^12 8-bit operations a second, two a multiply-add, of a GPU of your own', positive)
    .option('--bandwidth <b>', 'its memory, 10^9 bytes a second', positive)
    .option('--dispatch <us>', 'microseconds of one dispatch', positive)
    .option('--processors <n>', 'its processors: fewer workgroups than that leave some idle', positive, 1)
    .option('--check <file>', 'what exact8 bench --json printed: prediction against measurement');
}

/** `exact8 inspect --cost` */
export async function runCost(options: CostOptions): Promise<ExitCode> {
  const devices = chooseDevices(options);
  const model = await loadModel(options);
  const planned = (options.fusion ? [options.fusion] : FUSIONS).map((fusion) => planWith(model, fusion, devices));
  const checked = options.check === undefined ? undefined : await check(options.check, planned[0]!.plan);
  printResult(options.json, costResult(model, planned, devices, checked), describe(model, planned, devices, checked));
  return EXIT.done;
}

/** @throws InvalidInputError */
function chooseDevices({ gpu, tops, bandwidth, dispatch, processors }: CostOptions): readonly Device[] {
  const own = [tops, bandwidth, dispatch];
  if (own.some((figure) => figure !== undefined)) {
    if (gpu !== undefined) throw new InvalidInputError('--gpu, or figures of your own: not both');
    if (tops === undefined || bandwidth === undefined || dispatch === undefined)
      throw new InvalidInputError('--tops, --bandwidth and --dispatch are needed together');
    return [
      {
        name: 'given',
        tmacs: tops / 2,
        gbytes: bandwidth,
        processors,
        dispatchUs: dispatch,
        source: 'the command line',
      },
    ];
  }
  const found = GPUS.filter(({ name }) => gpu === undefined || name === gpu);
  if (found.length === 0)
    throw new InvalidInputError(`--gpu ${gpu}: supported: ${GPUS.map(({ name }) => name).join(', ')}`);
  return found;
}

function planWith(
  { graph, shapes, plan: { engine } }: LoadedModel,
  fusion: Fusion,
  devices: readonly Device[],
): PlannedCost {
  const plan = createPlan(graph, { engine, fusion, shapes });
  const cost = planCost(plan);
  return { fusion, plan, cost, predictions: devices.map((device) => ({ device, ...predictPlan(cost, device) })) };
}

async function check(path: string, plan: Plan): Promise<readonly CheckedStep[]> {
  return checkPlan(plan, readBench(new TextDecoder().decode(await readInput(path)), path));
}

function costResult(
  { name, hash, plan: { engine } }: LoadedModel,
  planned: readonly PlannedCost[],
  devices: readonly Device[],
  checked: readonly CheckedStep[] | undefined,
): object {
  return {
    model: name,
    modelHash: hash,
    engine: engine.name,
    devices,
    plans: planned.map(({ fusion, plan, cost, predictions }) => ({
      fusion,
      ...cost,
      memory: planMemory(plan),
      steps: plan.steps.map(({ node, op, kernel, parts }, index) => ({
        node,
        op,
        kernel,
        nodes: (parts ?? [plan.steps[index]!]).map((part) => part.node),
        ...cost.steps[index]!,
      })),
      predictions: predictions.map(({ device, ...prediction }) => ({ device: device.name, ...prediction })),
    })),
    ...(checked && { checked }),
  };
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
const milliseconds = (ms: number): string => ms.toFixed(ms < 0.1 ? 4 : 3);

function describe(
  { name, plan }: LoadedModel,
  planned: readonly PlannedCost[],
  devices: readonly Device[],
  checked: readonly CheckedStep[] | undefined,
): string {
  const totals = planned.map(({ fusion, plan, cost, predictions }) => [
    fusion,
    String(cost.dispatches),
    formatCount(cost.macs),
    formatCount(cost.computedMacs),
    megabytes(cost.bytes),
    megabytes(cost.rereadBytes),
    megabytes(planMemory(plan).allocatedBytes),
    megabytes(planMemory(plan).leastBytes),
    ...predictions.map(({ ms }) => milliseconds(ms)),
  ]);
  const columns = [
    'fusion',
    'dispatches',
    'MACs',
    'computed',
    'MB',
    'MB reread',
    'MB held',
    'MB least',
    ...devices.map((d) => `${d.name} ms`),
  ];
  return [
    `${name}, engine ${plan.engine.name}`,
    table(columns, totals, columns.slice(1)),
    '',
    'MB: distinct bytes of tensors, weights and tables; MB reread: what tiles load again, from caches where they hold it.',
    'MB held: activations, by lifetime; MB least: the most that is needed at one time, which no allocation goes below.',
    'ms: the least, if a device did what its figures say:',
    ...devices.map(
      (d) => `  ${d.name}: ${d.tmacs} TMAC/s, ${d.gbytes} GB/s, ${d.dispatchUs} us a dispatch (${d.source})`,
    ),
    ...(planned.length === 1 ? ['', layerTable(planned[0]!)] : []),
    ...(checked ? ['', checkTable(checked)] : []),
  ].join('\n');
}

function layerTable({ plan, cost, predictions }: PlannedCost): string {
  const costs = (of: (step: PlanCost['steps'][number]) => number) => (_: unknown, index: number) =>
    formatCount(of(cost.steps[index]!));
  const tile = ({ TILE_HEIGHT: height, TILE_WIDTH: width }: Step['overrides']): string =>
    height ? ` ${height}x${width}` : '';
  return tableOf<Step>(
    [
      ['tensor', 'text', ({ output }) => output],
      ['kernel', 'text', ({ kernel, overrides }) => kernel + tile(overrides)],
      ['shape', 'text', ({ output }) => plan.graph.tensors.get(output)!.shape.join('x')],
      ['MACs', 'number', costs(({ computedMacs }) => computedMacs)],
      ['bytes', 'number', costs(({ bytes }) => bytes)],
      ['reread', 'number', costs(({ rereadBytes }) => rereadBytes)],
      ['workgroups', 'number', costs(({ workgroups }) => workgroups)],
      ['memory', 'number', costs(({ workgroupBytes }) => workgroupBytes)],
      ...predictions.map(({ device, steps }): Column<Step> => [
        `${device.name} ms, bound`,
        'text',
        (_, index) => `${milliseconds(steps[index]!.ms)} ${steps[index]!.bound}`,
      ]),
    ],
    plan.steps,
  );
}

function checkTable(checked: readonly CheckedStep[]): string {
  const percent = (error: number): string => `${error > 0 ? '+' : ''}${(100 * error).toFixed(0)} %`;
  const sum = (of: (step: CheckedStep) => number): number => checked.reduce((total, step) => total + of(step), 0);
  const [predicted, measured] = [sum((step) => step.predicted.ms), sum((step) => step.measuredMs)];
  return tableOf<CheckedStep>(
    [
      ['node', 'text', ({ name }) => name],
      ['kernel', 'text', ({ kernel }) => kernel],
      ['predicted ms', 'number', ({ predicted }) => milliseconds(predicted.ms)],
      ['measured ms', 'number', ({ measuredMs }) => milliseconds(measuredMs)],
      ['error', 'number', ({ error }) => percent(error)],
      ['bound', 'text', ({ predicted }) => predicted.bound],
    ],
    checked,
    ['all', '', milliseconds(predicted), milliseconds(measured), percent(predicted / measured - 1), ''],
  );
}
