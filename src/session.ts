import { DeviceError, InvalidInputError } from './errors.ts';
import { readModel } from './formats/index.ts';
import type { Graph } from './graph/graph.ts';
import { featuresOf, profileOf, requestDevice } from './gpu/device.ts';
import { checkFeeds, Executable } from './gpu/executable.ts';
import { PipelineCache, pipelineKey } from './gpu/pipelines.ts';
import { createPlan, planSteps, type Plan, type PlanOptions } from './plan/plan.ts';
import type { Tensor } from './tensor.ts';
import type { Trace } from './trace.ts';

export interface SessionOptions extends PlanOptions {
  /** The caller's own device; without one, the session requests one and destroys it on release. */
  readonly device?: GPUDevice;
}

/** A model on a GPU, ready to run. The straight line: readModel, createPlan, compile, run. */
export class InferenceSession {
  /** As it was read. */
  readonly graph: Graph;
  /** The name of the engine whose bits are computed. */
  readonly semantics: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #options: PlanOptions;
  readonly #device: GPUDevice;
  readonly #ownsDevice: boolean;
  readonly #pipelines: PipelineCache;
  /** By fusion and input shapes: a model with an open batch is planned once for each size. */
  readonly #executables = new Map<string, Promise<Executable>>();
  #plan: Plan;
  #released = false;

  private constructor(graph: Graph, plan: Plan, options: PlanOptions, device: GPUDevice, ownsDevice: boolean) {
    this.graph = graph;
    this.semantics = plan.semantics.name;
    this.inputNames = graph.inputs.map((input) => input.name);
    this.outputNames = graph.outputs;
    this.#options = options;
    this.#device = device;
    this.#ownsDevice = ownsDevice;
    this.#pipelines = PipelineCache.of(device);
    this.#plan = plan;
  }

  /**
   * @param model the file's bytes, or a graph that readModel gave
   * @throws InvalidModelError, UnsupportedModelError before any work on a device; DeviceError
   */
  static async create(
    model: Uint8Array | ArrayBuffer | Graph,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    const bytes = model instanceof ArrayBuffer ? new Uint8Array(model) : model;
    const graph = bytes instanceof Uint8Array ? readModel(bytes) : bytes;
    const device = options.device ?? (await requestDevice());
    let session: InferenceSession | undefined;
    try {
      const features = options.features ?? (await featuresOf(device));
      const planOptions = { profile: profileOf(device), ...options, features };
      const plan = await planWhileCompiling(graph, planOptions, device);
      session = new InferenceSession(graph, plan, planOptions, device, options.device === undefined);
      await session.#executable(plan);
      return session;
    } catch (error) {
      session?.release();
      if (!session && !options.device) device.destroy();
      throw error;
    }
  }

  /** The plan of the last shapes that were run. */
  get plan(): Plan {
    return this.#plan;
  }

  /** @throws InvalidInputError, DeviceError */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    return (await this.#executable(this.#planFor(feeds))).run(feeds);
  }

  /**
   * Every tensor of one inference and, on request, the int32 accumulators. Changes no result. Steps that `run`
   * fuses are not fused here, so that every tensor is written: the bits are the same, and `verify` compares them.
   */
  async trace(feeds: Readonly<Record<string, Tensor>>, options: { accumulators?: boolean } = {}): Promise<Trace> {
    const plan = this.#planFor(feeds);
    const shapes = shapesOf(feeds);
    const unfused =
      plan.fusion === 'none' ? plan : createPlan(this.graph, { ...this.#options, shapes, fusion: 'none' });
    return (await this.#executable(unfused)).trace(feeds, options.accumulators ?? false);
  }

  /** Frees the GPU's memory, and the device where it is the session's own. */
  release(): void {
    this.#released = true;
    for (const executable of this.#executables.values())
      void executable.then(
        (e) => e.release(),
        () => undefined,
      );
    this.#executables.clear();
    if (this.#ownsDevice) this.#device.destroy();
  }

  #planFor(feeds: Readonly<Record<string, Tensor>>): Plan {
    // a caller's device lives on: without this, the plan would be compiled again, and never released
    if (this.#released) throw new DeviceError('the session was released');
    if (typeof feeds !== 'object' || feeds === null)
      throw new InvalidInputError(
        `tensors by name are needed, as { ${this.inputNames.join(', ')} }; got ${typeof feeds}`,
      );
    const shapes = shapesOf(feeds);
    const same = this.#plan.graph.inputs.every(({ name, shape }) => String(shapes[name] ?? shape) === String(shape));
    if (!same) this.#plan = createPlan(this.graph, { ...this.#options, shapes });
    checkFeeds(this.#plan.graph.inputs, feeds);
    return this.#plan;
  }

  #executable(plan: Plan): Promise<Executable> {
    const key = JSON.stringify([plan.fusion, plan.graph.inputs.map((input) => input.shape)]);
    let found = this.#executables.get(key);
    if (!found) {
      found = Executable.compile(this.#device, plan, this.#pipelines);
      this.#executables.set(key, found);
    }
    return found;
  }
}

/** Longest stretch of planning between two calls to the device, in milliseconds. */
const STRETCH_MS = 30;

/** Has a device compile each step's pipeline while the next ones are planned; what fails to compile fails again in `compile`. */
async function planWhileCompiling(graph: Graph, options: PlanOptions, device: GPUDevice): Promise<Plan> {
  const pipelines = PipelineCache.of(device);
  const planning = planSteps(graph, options);
  let since = Date.now();
  for (;;) {
    const next = planning.next();
    if (next.done) return next.value;
    pipelines.get(pipelineKey(next.value)).catch(() => undefined);
    if (Date.now() - since < STRETCH_MS) continue;
    // browsers send what was asked of a device once a task ends; in between, a page can answer its user
    await device.queue.onSubmittedWorkDone();
    since = Date.now();
  }
}

function shapesOf(feeds: Readonly<Record<string, Tensor>>): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
}
