/// <reference lib="esnext.disposable" preserve="true" />
import { DeviceError, InvalidInputError } from '../errors.ts';
import { tensorsOf, type Feeds, type Tensors } from '../feeds.ts';
import { loadEngine } from '../engines/on_demand.ts';
import { ending } from '../formats/ending.ts';
import { loadModel } from '../formats/on_demand.ts';
import { bytesOf } from '../formats/sniff.ts';
import { elementCount, newElementData, type Graph } from '../graph/graph.ts';
import { checkDevice, featuresOf, profileOf, requestDevice } from '../gpu/device.ts';
import { Executable, type Fetches } from '../gpu/executable.ts';
import { takeInputs } from '../gpu/inputs.ts';
import { expectAlive, onDevice } from '../gpu/loss.ts';
import { PipelineCache } from '../gpu/pipelines.ts';
import { isFloat32 } from '../kernels/arithmetic.ts';
import { onDemand } from '../on_demand.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import { fetchesOf, fill, type Fetched } from './fetches.ts';
import { inputMetadata, outputMetadata, type TensorMetadata } from './metadata.ts';
import { checkGraph, checkShapes } from '../plan/arguments.ts';
import type { Fusion } from '../join/fusion.ts';
import { engineAsked, type ResolvedOptions } from '../plan/options.ts';
import { meaningOf, stagesOf, type Meaning } from '../plan/stages.ts';
import type { Profile } from '../plan/profile.ts';
import { planGraph, planSteps, type Plan } from '../plan/steps.ts';
import {
  checkLocations,
  checkMeasureOptions,
  checkRunOptions,
  checkSessionOptions,
  planOptionsOf,
  shapesByName,
  type MeasureOptions,
  type RunOptions,
  type SessionOptions,
} from './options.ts';
import { bytesFrom, expectGoing, type ModelSource, type Patience } from './source.ts';
import { Tensor } from '../tensor.ts';
import type { Trace } from '../trace.ts';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** More shapes than these are not kept on the GPU: the one that was used longest ago gives its memory back. */
const MOST_PLANS = 4;

/** A model on a GPU, ready to run. The straight line: loadModel, planGraph, compile, run. */
export class InferenceSession {
  /** As it was read. */
  readonly graph: Graph;
  /** The name of the engine whose bits are computed. */
  readonly engine: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Names, types and shapes; of open dimensions the name, '' where they have none. */
  readonly inputMetadata: readonly TensorMetadata[];
  readonly outputMetadata: readonly TensorMetadata[];
  /** Tensors in GPU memory have to be of this one. */
  readonly device: GPUDevice;
  #options: ResolvedOptions;
  readonly #locations: SessionOptions['preferredOutputLocation'];
  readonly #ownsDevice: boolean;
  readonly #pipelines: PipelineCache;
  /** By fusion and input shapes, the one used last at the end: a model with open dimensions is planned for each. */
  readonly #plans = new Map<string, Plan>();
  readonly #executables = new Map<Plan, Promise<Executable>>();
  #plan: Plan;
  #released = false;

  private constructor(
    graph: Graph,
    plan: Plan,
    options: SessionOptions,
    planOptions: ResolvedOptions,
    device: GPUDevice,
  ) {
    this.graph = graph;
    this.engine = plan.engine.name;
    this.inputNames = graph.inputs.map((input) => input.name);
    this.outputNames = graph.outputs;
    this.inputMetadata = inputMetadata(graph);
    this.outputMetadata = outputMetadata(plan);
    this.device = device;
    this.#options = planOptions;
    this.#locations = options.preferredOutputLocation;
    this.#ownsDevice = options.device === undefined;
    this.#pipelines = PipelineCache.of(device);
    this.#plan = plan;
    this.#plans.set(keyOf(plan.graph.inputs.map(({ shape }) => shape)), plan);
  }

  /**
   * @param model the URL of its file; the file's bytes, or what gives them (Response, Blob, ReadableStream); or a graph
   * that readModel gave
   * @throws InvalidInputError, InvalidModelError, UnsupportedModelError before any work on a device; DeviceError; the
   * reason of `options.signal`
   */
  static async create(model: ModelSource, options?: SessionOptions): Promise<InferenceSession>;
  /** @param byteOffset, byteLength where the file's bytes lie in the buffer */
  static async create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    model: ModelSource,
    first: SessionOptions | number = {},
    byteLength?: number,
    third: SessionOptions = {},
  ): Promise<InferenceSession> {
    const [source, options] = typeof first === 'number' ? [part(model, first, byteLength), third] : [model, first];
    checkSessionOptions(options);
    const { device: given } = options;
    if (given !== undefined) checkDevice(given);
    const bytes = await bytesFrom(source, options);
    expectGoing(options);
    const graph = bytes
      ? await loadModel(bytes, { outputs: options.outputs, externalData: await filesOf(options) })
      : endingGraph(source, options);
    const engine = await loadEngine(engineAsked(graph, options));
    expectGoing(options);
    const { freeDimensionOverrides } = options;
    const shapes = freeDimensionOverrides && shapesByName(graph, freeDimensionOverrides);
    checkLocations(graph, options);
    const device = given ?? (await requestDevice());
    const what = 'opening the model';
    let session: InferenceSession | undefined;
    try {
      return await onDevice(device, what, async () => {
        const own = { ...(shapes && { shapes }), ...planOptionsOf(options) };
        const meaning = meaningOf(graph, { ...own, engine });
        const features = own.features ?? (await featuresOf(device, false));
        const asked = { profile: profileOf(device), ...own, features, engine };
        const isAsked = !own.features && stagesOf(graph, asked, meaning).joined.some(isFloat32);
        const planOptions = isAsked ? { ...asked, features: await featuresOf(device) } : asked;
        const plan = await planWhileCompiling(graph, planOptions, device, options, meaning);
        session = new InferenceSession(graph, plan, options, planOptions, device);
        session.#report(plan, options);
        await session.#executable(plan);
        await expectAlive(device, what);
        expectGoing(options);
        return session;
      });
    } catch (error) {
      void session?.release();
      if (!session && !given) device.destroy();
      expectGoing(options);
      throw error;
    }
  }

  /** Another name of `engine`. */
  get semantics(): string {
    return this.engine;
  }

  /** The plan of the last shapes that were run. */
  get plan(): Plan {
    return this.#plan;
  }

  /** Fulfilled once the device is lost, with the reason: whoever goes on makes a new session, on a new device. */
  get lost(): Promise<GPUDeviceLostInfo> {
    return this.device.lost;
  }

  /**
   * Calls that do not wait for one another overlap: the inputs of one are written, and the outputs of another read, while
   * the GPU computes. What is fed is copied before the call returns: its arrays may be filled again at once. Buffers of
   * the GPU that are fed are read when the inference is computed.
   *
   * @param fetches names of the outputs that are wanted, or tensors by these names, into which they are written; null
   * in place of a tensor: a new one. Default: all, each where `preferredOutputLocation` says
   * @throws InvalidInputError, DeviceError; the reason of `options.signal`
   */
  async run(feeds: Feeds, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(feeds: Feeds, fetches: Fetched, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(feeds: Feeds, first: Fetched | RunOptions = {}, second?: RunOptions): Promise<Record<string, Tensor>> {
    const called = this.graph.signature?.outputs.keys() ?? [];
    const isFetches =
      Array.isArray(first) ||
      (isRecord(first) && [...this.outputNames, ...called].some((name) => Object.hasOwn(first, name)));
    const options = second ?? (isFetches ? {} : (first as RunOptions));
    checkRunOptions(options);
    const tensors = tensorsOf(feeds, this.graph);
    const wanted = isFetches ? (first as Fetched) : undefined;
    const plan = this.#planFor(shapesOf(tensors));
    const inputs = takeInputs(plan, tensors);
    const fetches = this.#fetches(plan, wanted);
    expectGoing(options);
    const outputs = await (await this.#executable(plan)).run(inputs, fetches);
    expectGoing(options);
    return wanted ? fill(outputs, wanted, this.graph) : outputs;
  }

  /**
   * One inference on zeros, so that the first real one is as fast as any: drivers put off work until pipelines are used.
   *
   * @param shapes of inputs whose dimensions the model leaves open, as `run` will be fed; default: those of the last run
   * @throws InvalidInputError, DeviceError
   */
  async warmUp(shapes?: Shapes): Promise<void>;
  /**
   * Also measures a few whole plans on this device, for some two seconds besides compiling, and goes on with the fastest:
   * all compute the same bits.
   *
   * @returns its profile: plain JSON, to be kept for each adapter and given to `create` the next time
   * @throws InvalidInputError, DeviceError; the reason of `options.signal`, and the session is as it was
   */
  async warmUp(options: MeasureOptions): Promise<Profile>;
  async warmUp(first: Shapes | MeasureOptions = {}): Promise<Profile | void> {
    if (!isMeasuring(first)) {
      checkShapes(first);
      return void (await this.run(zerosFor(this.#planFor(first))));
    }
    checkMeasureOptions(first);
    const { shapes: asked = {}, measure: _, ...patience } = first;
    checkShapes(asked);
    const plan = this.#planFor(asked);
    const shapes = Object.fromEntries(plan.graph.inputs.map(({ name, shape }) => [name, shape]));
    const profile = await this.#measure(plan, shapes, patience);
    await this.run(zerosFor(this.#planFor(shapes)));
    return profile;
  }

  /**
   * Every tensor of one inference and, on request, the int32 accumulators. Changes no result. Steps that `run`
   * fuses are not fused here, so that every tensor is written: the bits are the same, and `verify` compares them.
   *
   * @throws InvalidInputError, for tensors on the GPU, too; DeviceError
   */
  async trace(feeds: Feeds, options: { accumulators?: boolean } = {}): Promise<Trace> {
    if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
    const tensors = tensorsOf(feeds, this.graph);
    for (const [name, { location }] of Object.entries(tensors))
      if (location !== 'cpu')
        throw new InvalidInputError(`input ${kindOf(name)} is on a GPU; a trace takes tensors on the host`);
    const plan = this.#planFor(shapesOf(tensors));
    const isUnfused = plan.steps.every(({ parts }) => !parts);
    const unfused = isUnfused ? plan : this.#planned(shapesOf(tensors), 'none');
    const inputs = takeInputs(unfused, tensors);
    return (await this.#executable(unfused)).trace(inputs, Boolean(options.accumulators));
  }

  /**
   * Frees the GPU's memory, and the device where it is the session's own. Tensors that were left on the GPU live as long
   * as the device.
   */
  async release(): Promise<void> {
    this.#released = true;
    const executables = [...this.#executables.values()];
    this.#executables.clear();
    if (this.#ownsDevice) this.device.destroy();
    for (const result of await Promise.allSettled(executables))
      if (result.status === 'fulfilled') result.value.release();
  }

  /** @throws InvalidInputError always: `npx exact8 bench` measures, layer by layer */
  startProfiling(): never {
    throw new InvalidInputError('a session does not profile; `npx exact8 bench` measures each layer');
  }

  /** @throws InvalidInputError always */
  endProfiling(): never {
    return this.startProfiling();
  }

  [Symbol.dispose](): void {
    void this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #measure({ profile, fusion }: Plan, shapes: Shapes, options: Patience): Promise<Profile> {
    const { fastestProfile } = await onDemand('measuring plans', () => import('./measure.ts'));
    const { fusion: _, ...others } = this.#options;
    const meaning = meaningOf(this.graph, { engine: others.engine, shapes });
    const planOf = (one: Profile): Promise<Plan> =>
      planWhileCompiling(this.graph, { ...others, shapes, profile: one }, this.device, options, meaning);
    const fastest = await onDevice(this.device, 'measuring plans', () =>
      fastestProfile(
        { profile, fusion },
        planOf,
        (plan) => Executable.compile(this.device, plan, this.#pipelines),
        zerosFor,
        options,
      ),
    ).catch((error: unknown) => {
      expectGoing(options);
      throw error;
    });
    this.#options = { ...others, profile: fastest };
    for (const [key, plan] of this.#plans) this.#retire(key, plan);
    return fastest;
  }

  #planFor(shapes: Shapes): Plan {
    // a caller's device lives on: without this, the plan would be compiled again, and never released
    if (this.#released) throw new DeviceError('the session was released');
    return (this.#plan = this.#planned(shapes));
  }

  /** @param fusion how far steps are joined, where it is not to be as the session's options say */
  #planned(shapes: Shapes, fusion?: Fusion): Plan {
    const key = keyOf(
      this.#plan.graph.inputs.map(({ name, shape }) => shapes[name] ?? shape),
      fusion,
    );
    const found =
      this.#plans.get(key) ?? planGraph(this.graph, { ...this.#options, shapes, ...(fusion && { fusion }) });
    this.#plans.delete(key);
    this.#plans.set(key, found);
    const oldest = [...this.#plans][0]!;
    if (this.#plans.size > MOST_PLANS) this.#retire(...oldest);
    return found;
  }

  /** Inferences under way are waited for. */
  #retire(key: string, plan: Plan): void {
    this.#plans.delete(key);
    const executable = this.#executables.get(plan);
    this.#executables.delete(plan);
    executable?.then((e) => e.retire()).catch(() => undefined);
  }

  #executable(plan: Plan): Promise<Executable> {
    let found = this.#executables.get(plan);
    if (!found) {
      found = Executable.compile(this.device, plan, this.#pipelines);
      this.#executables.set(plan, found);
      // memory that is not there now may be there later
      found.catch(() => this.#executables.delete(plan));
    }
    return found;
  }

  #fetches(plan: Plan, wanted: Fetched | undefined): Fetches {
    const locations = this.#locations;
    return fetchesOf(plan, wanted, (name) =>
      typeof locations === 'object' ? (locations[name] ?? 'cpu') : (locations ?? 'cpu'),
    );
  }

  #report({ steps }: Plan, { onProgress }: Patience): void {
    if (!onProgress) return;
    let done = 0;
    const report = (): void => onProgress({ stage: 'compile', done: ++done, total: steps.length });
    for (const step of steps) this.#pipelines.get(step).then(report, () => undefined);
  }
}

/** @throws InvalidInputError for what readModel cannot have given */
function endingGraph(source: unknown, { outputs }: SessionOptions): Graph {
  checkGraph(source);
  return ending(source, { outputs });
}

/** @throws InvalidInputError where one gives no bytes; the reason of the signal */
async function filesOf(options: SessionOptions): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const file of options.externalData ?? []) {
    const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
    const bytes = await bytesFrom(data, options);
    if (!bytes) throw new InvalidInputError(`externalData ${kindOf(path)}: no bytes, got ${kindOf(data)}`);
    files[path] = bytes;
  }
  return files;
}

/** @throws InvalidInputError where the bytes are not in the buffer */
function part(model: unknown, byteOffset: number, byteLength: number | undefined): Uint8Array {
  const bytes = bytesOf(model);
  if (!bytes) throw new InvalidInputError(`an offset is one into a buffer; got ${kindOf(model)}`);
  const end = byteOffset + (byteLength ?? bytes.length - byteOffset);
  if (![byteOffset, end].every((at) => Number.isSafeInteger(at)) || byteOffset < 0 || end > bytes.length)
    throw new InvalidInputError(
      `bytes ${kindOf(byteOffset)} to ${kindOf(end)} of the model are not in a buffer of ${bytes.length}`,
    );
  return bytes.subarray(byteOffset, end);
}

function keyOf(shapes: readonly (readonly number[])[], fusion?: Fusion): string {
  return JSON.stringify([shapes, fusion]);
}

/** Longest stretch of planning between two calls to the device, in milliseconds. */
const STRETCH_MS = 30;

/** Has a device compile each step's pipeline while the next ones are planned; what fails to compile fails again in `compile`. */
async function planWhileCompiling(
  graph: Graph,
  options: ResolvedOptions,
  device: GPUDevice,
  patience: Patience,
  meaning: Meaning,
): Promise<Plan> {
  const pipelines = PipelineCache.of(device);
  const planning = planSteps(graph, options, meaning);
  let since = Date.now();
  for (;;) {
    const next = planning.next();
    if (next.done) return next.value;
    pipelines.get(next.value).catch(() => undefined);
    if (Date.now() - since < STRETCH_MS) continue;
    // browsers send what was asked of a device once a task ends; in between, a page can answer its user
    await device.queue.onSubmittedWorkDone();
    expectGoing(patience);
    since = Date.now();
  }
}

const isMeasuring = (options: Shapes | MeasureOptions): options is MeasureOptions =>
  isRecord(options) && (options as { measure?: unknown }).measure === true;

const zerosFor = ({ graph: { inputs } }: Plan): Tensors =>
  Object.fromEntries(
    inputs.map(({ name, type, shape }) => [
      name,
      new Tensor(type, newElementData(type, elementCount(shape)) as never, shape),
    ]),
  );

function shapesOf(feeds: Tensors): Shapes {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
}
