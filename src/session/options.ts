import { InvalidInputError } from '../errors.ts';
import { DYNAMIC, type Graph } from '../graph/graph.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import { checkOptions } from '../plan/arguments.ts';
import type { PlanOptions } from '../plan/options.ts';
import type { AbortSignalLike, Patience } from './source.ts';

/** Where outputs are left. */
export type OutputLocation = 'cpu' | 'gpu-buffer';

/** A file that a model names, and its bytes or URL; a URL stands for itself. */
interface ExternalFile {
  readonly path: string;
  readonly data: string | Uint8Array | ArrayBufferLike;
}

/**
 * Of onnxruntime's options those that change no result and mean nothing here (threads, memory, logs) are taken and do
 * nothing; those that would have to do something are refused by name.
 */
export interface SessionOptions extends PlanOptions, Patience {
  /** The caller's own device; without one, the session requests one and destroys it on release. */
  readonly device?: GPUDevice;
  /** Sizes of dimensions that the model leaves open, by their names. */
  readonly freeDimensionOverrides?: Readonly<Record<string, number>>;
  /** Tensors that the model is to end at, in place of its own outputs: what they do not need is not computed, nor looked at. */
  readonly outputs?: readonly string[];
  /** Files beside the model's in which an ONNX model keeps its weights, by the paths that it has for them. */
  readonly externalData?: readonly (string | ExternalFile)[];
  /** Of all outputs, or of each by its name. Default: 'cpu'. */
  readonly preferredOutputLocation?: OutputLocation | Readonly<Record<string, OutputLocation>>;
  /** 'exact8' or 'webgpu': there is no other. */
  readonly executionProviders?: readonly (string | { readonly name: string })[];
  /** Only 'all': the engine's results are those of a graph that it optimized. */
  readonly graphOptimizationLevel?: 'all';
  readonly intraOpNumThreads?: number;
  readonly interOpNumThreads?: number;
  readonly executionMode?: 'sequential' | 'parallel';
  readonly enableCpuMemArena?: boolean;
  readonly enableMemPattern?: boolean;
  readonly enableGraphCapture?: boolean;
  readonly logId?: string;
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  readonly logVerbosityLevel?: number;
}

/** Options of `run`. */
export interface RunOptions {
  /** An inference that has not begun does not begin; of one that has, the outputs are not handed out. */
  readonly signal?: AbortSignalLike | undefined;
  readonly tag?: string;
  readonly logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  readonly logVerbosityLevel?: number;
}

/** Options of `warmUp` where it measures. */
export interface MeasureOptions extends Patience {
  readonly measure: true;
  /** Of inputs whose dimensions the model leaves open; default: those of the last run. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

const PROVIDERS = ['exact8', 'webgpu'];
const LOCATIONS = ['cpu', 'gpu-buffer'];

type Check = (value: unknown) => string | undefined;

const isAmong =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : `one of ${values.join(', ')}`;

const WITHOUT_EFFECT: Check = () => undefined;
const LOGS = { logSeverityLevel: WITHOUT_EFFECT, logVerbosityLevel: WITHOUT_EFFECT };

const signal: Check = (value) =>
  isRecord(value) && typeof value['aborted'] === 'boolean' ? undefined : 'an AbortSignal';

const PATIENCE: Readonly<Record<keyof Patience, Check>> = {
  signal,
  onProgress: (value) => (typeof value === 'function' ? undefined : 'a function'),
};

/** What an option has to be, where it is not: undefined where it is. */
const CHECKS: Readonly<Record<Exclude<keyof SessionOptions, keyof PlanOptions | 'device'>, Check>> = {
  ...PATIENCE,
  freeDimensionOverrides: (value) =>
    isRecord(value) && Object.values(value).every((size) => Number.isInteger(size) && (size as number) > 0)
      ? undefined
      : 'sizes by the names of open dimensions',
  outputs: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
      ? undefined
      : 'names of tensors',
  externalData: (value) =>
    Array.isArray(value) &&
    value.every((file: unknown) => typeof file === 'string' || (isRecord(file) && typeof file['path'] === 'string'))
      ? undefined
      : 'a list of files, each { path, data } or its URL',
  preferredOutputLocation: (value) =>
    (isRecord(value) ? Object.values(value) : [value]).every((one) => LOCATIONS.includes(one as string))
      ? undefined
      : `one of ${LOCATIONS.join(', ')}, or one of them for each output by its name`,
  executionProviders: (value) =>
    Array.isArray(value) &&
    value.every((one: unknown) => PROVIDERS.includes((isRecord(one) ? one['name'] : one) as string))
      ? undefined
      : `a list of ${PROVIDERS.join(' or ')}: exact8 computes on WebGPU alone`,
  graphOptimizationLevel: isAmong(['all']),
  intraOpNumThreads: WITHOUT_EFFECT,
  interOpNumThreads: WITHOUT_EFFECT,
  executionMode: WITHOUT_EFFECT,
  enableCpuMemArena: WITHOUT_EFFECT,
  enableMemPattern: WITHOUT_EFFECT,
  enableGraphCapture: WITHOUT_EFFECT,
  logId: WITHOUT_EFFECT,
  ...LOGS,
};

const MEASURE_CHECKS = { ...PATIENCE, measure: WITHOUT_EFFECT, shapes: WITHOUT_EFFECT };
const RUN_CHECKS: Readonly<Record<keyof RunOptions, Check>> = { signal, tag: WITHOUT_EFFECT, ...LOGS };

function check(options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(options)) {
    const what = value === undefined ? undefined : checks[name]?.(value);
    if (what) throw new InvalidInputError(`option '${name}' is ${what}; got ${kindOf(value)}`);
  }
}

/** @throws InvalidInputError for an option that there is not, or of another type */
export function checkSessionOptions(options: unknown): asserts options is SessionOptions {
  checkOptions(options, ['device', ...Object.keys(CHECKS)]);
  check(options as object, CHECKS);
}

/** @throws InvalidInputError likewise */
export function checkRunOptions(options: unknown): asserts options is RunOptions {
  checkKnown(options, RUN_CHECKS);
}

/** @throws InvalidInputError likewise; shapes are checked by who takes them */
export function checkMeasureOptions(options: unknown): asserts options is MeasureOptions {
  checkKnown(options, MEASURE_CHECKS);
}

function checkKnown(options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined)
    throw new InvalidInputError(`there is no option ${kindOf(unknown)}; supported: ${Object.keys(checks).join(', ')}`);
  check(options, checks);
}

/** @throws InvalidInputError where a location is said of an output that there is not */
export function checkLocations({ outputs }: Graph, { preferredOutputLocation: locations }: SessionOptions): void {
  const unknown = isRecord(locations) ? Object.keys(locations).find((name) => !outputs.includes(name)) : undefined;
  if (unknown !== undefined)
    throw new InvalidInputError(
      `preferredOutputLocation: the model has no output ${kindOf(unknown)}; its outputs: ${outputs.join(', ')}`,
    );
}

/** Of session options those that make the plan. */
export function planOptionsOf(options: SessionOptions): PlanOptions {
  const others = ['device', ...Object.keys(CHECKS)];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !others.includes(name)));
}

/**
 * Shapes of inputs, of which the caller names dimensions.
 *
 * @throws InvalidInputError where the model has no open dimension of a name
 */
export function shapesByName(
  graph: Graph,
  sizes: Readonly<Record<string, number>>,
): Readonly<Record<string, readonly number[]>> {
  const namesOf = (input: string): readonly (number | string)[] => graph.declared?.get(input) ?? [];
  const open = new Set(graph.inputs.flatMap(({ name }) => namesOf(name).filter((d) => typeof d === 'string' && d)));
  const unknown = Object.keys(sizes).find((name) => !open.has(name));
  if (unknown !== undefined)
    throw new InvalidInputError(
      `the model has no open dimension ${kindOf(unknown)}; ` +
        (open.size > 0 ? `it has ${[...open].join(', ')}` : 'it names none'),
    );
  const shapes = graph.inputs.map(({ name, shape }) => [
    name,
    // an open batch that nobody names is 1
    shape.map((d, i) => (d === DYNAMIC ? (sizes[namesOf(name)[i] ?? ''] ?? (i === 0 ? 1 : DYNAMIC)) : d)),
  ]);
  return Object.fromEntries(shapes) as Record<string, number[]>;
}
