import { InvalidInputError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import type { Engine } from '../engines/engine.ts';
import { isEngine } from '../engines/is_engine.ts';
import { FUSIONS, type Fusion } from '../join/fusion.ts';
import type { PlanOptions } from './options.ts';
import { parseProfile } from './profile.ts';

const isShape = (value: unknown): boolean => Array.isArray(value) && value.every((d) => Number.isInteger(d));
const isMap = (value: unknown): boolean => Object.prototype.toString.call(value) === '[object Map]';
const holds = (value: object, test: (member: unknown) => boolean): boolean => Object.values(value).every(test);

type Option = readonly [is: (value: unknown) => boolean, what: string];

const ENGINE: Option = [(value) => typeof value === 'string' || isEngine(value), 'the name of an engine, or an engine'];

/** What each option is, and what is said where it is not. */
const OPTIONS: Readonly<Record<keyof PlanOptions, Option>> = {
  engine: ENGINE,
  semantics: ENGINE,
  shapes: [(value) => isRecord(value) && holds(value, isShape), 'shapes by the name of the input'],
  features: [
    (value) =>
      isRecord(value) &&
      typeof value['packedDot'] === 'boolean' &&
      [value['workgroupStorage'], value['workgroupInvocations']].every((bytes) => Number.isInteger(bytes)) &&
      (value['subgroups'] === undefined || isRecord(value['subgroups'])),
    'what a device offers (see Features)',
  ],
  profile: [(value) => parseProfile(value) !== undefined, 'a profile'],
  fusion: [(value) => FUSIONS.includes(value as Fusion), `one of ${FUSIONS.join(', ')}`],
};

/**
 * @param others options that somebody else checks
 * @throws InvalidInputError for an option that there is not, or of another type
 */
export function checkOptions(options: unknown, others: readonly string[] = []): void {
  if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (others.includes(name)) continue;
    const [is, what] = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof PlanOptions] : [];
    if (!is)
      throw new InvalidInputError(
        `there is no option ${kindOf(name)}; supported: ${[...others, ...Object.keys(OPTIONS)].join(', ')}`,
      );
    if (value !== undefined && !is(value))
      throw new InvalidInputError(`option '${name}' is ${what}; got ${kindOf(value)}`);
  }
}

/** @throws InvalidInputError */
export function checkShapes(shapes: unknown): void {
  checkOptions({ shapes });
}

/** @throws InvalidInputError for what readModel cannot have given */
export function checkGraph(graph: unknown): asserts graph is Graph {
  const isGraph =
    isRecord(graph) &&
    ['nodes', 'inputs', 'outputs'].every((list) => Array.isArray(graph[list])) &&
    ['constants', 'tensors'].every((map) => isMap(graph[map]));
  if (!isGraph)
    throw new InvalidInputError(
      `a model is the bytes of a file (Uint8Array, ArrayBuffer) or what readModel made of them; got ${kindOf(graph)}`,
    );
}

/** @throws InvalidInputError for what createPlan cannot have given */
export function checkPlan(plan: unknown): asserts plan is { readonly graph: Graph; readonly engine: Engine } {
  if (!isRecord(plan) || !isEngine(plan['engine']))
    throw new InvalidInputError(`a plan is what createPlan gives; got ${kindOf(plan)}`);
  checkGraph(plan['graph']);
}
