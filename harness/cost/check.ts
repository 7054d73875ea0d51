import { InvalidInputError } from '../../src/errors.ts';
import { planCost } from '../../src/plan/cost.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { Device } from './gpus.ts';
import { predictStep, type StepPrediction } from './predict.ts';

/** One dispatch of a plan, as predicted from the measured roof and as measured by itself. */
export interface CheckedStep {
  readonly name: string;
  readonly kernel: string;
  readonly predicted: StepPrediction;
  readonly measuredMs: number;
  /** predicted / measured - 1: -0.5 is half of what it took. */
  readonly error: number;
}

interface Measured {
  readonly roof: Device;
  readonly layers: ReadonlyMap<string, number>;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * The roof and the layers of what `exact8 bench --json` prints.
 *
 * @throws InvalidInputError
 */
export function readBench(text: string, name: string): Measured {
  const wrong = (what: string): never => {
    throw new InvalidInputError(`${name}: ${what}; expected: what exact8 bench --json prints`);
  };
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    return wrong('no JSON');
  }
  if (!isObject(report) || !isObject(report['roof']) || !Array.isArray(report['layers']))
    return wrong('no roof or layers');
  const { gmacs, gbytes, dispatchMs } = report['roof'];
  if (typeof gmacs !== 'number' || typeof gbytes !== 'number') return wrong('a roof without gmacs and gbytes');
  const layers = report['layers'].map((layer: unknown): [string, number] => {
    if (!isObject(layer) || typeof layer['name'] !== 'string' || typeof layer['ms'] !== 'number')
      return wrong('a layer without name and ms');
    return [layer['name'], layer['ms']];
  });
  const roof: Device = {
    name: 'the measured adapter',
    tmacs: gmacs / 1000,
    gbytes,
    // the roof is what all of it does
    processors: 1,
    dispatchUs: typeof dispatchMs === 'number' ? dispatchMs * 1000 : 0,
    source: name,
  };
  return { roof, layers: new Map(layers) };
}

/** Prediction against measurement, for the steps that were measured. */
export function checkPlan(plan: Plan, { roof, layers }: Measured): CheckedStep[] {
  const { steps } = planCost(plan);
  return plan.steps.flatMap(({ node, kernel }, index) => {
    const measuredMs = layers.get(node);
    if (measuredMs === undefined) return [];
    const predicted = predictStep(steps[index]!, roof);
    return [{ name: node, kernel, predicted, measuredMs, error: predicted.ms / measuredMs - 1 }];
  });
}
