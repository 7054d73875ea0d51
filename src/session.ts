import { DeviceError, InvalidInputError } from './errors.ts';
import { tensorsOf, type Feeds } from './feeds.ts';
import { bytesOf, readModel } from './formats/index.ts';
import { elementCount, newElementData, type Graph } from './graph/graph.ts';
import { checkDevice, featuresOf, profileOf, requestDevice } from './gpu/device.ts';
import { Executable } from './gpu/executable.ts';
import { takeInputs } from './gpu/inputs.ts';
import { expectAlive, onDevice } from './gpu/loss.ts';
import { PipelineCache } from './gpu/pipelines.ts';
import { isRecord, kindOf } from './kind_of.ts';
import { checkGraph, checkOptions, checkShapes } from './plan/arguments.ts';
import type { Fusion } from './join/fusion.ts';
import type { PlanOptions } from './plan/options.ts';
import { createPlan, planSteps, type Plan } from './plan/plan.ts';
import { Tensor } from './tensor.ts';
import type { Trace } from './trace.ts';

export interface SessionOptions extends PlanOptions {
  /** The caller's own device; without one, the session requests one and destroys it on release. */
  readonly device?: GPUDevice;
}

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A model on a GPU, ready to run. The straight line: readModel, createPlan, compile, run. */
export class InferenceSession {
  /** As it was read. */
  readonly graph: Graph;
  /** The name of the engine whose bits are computed. */
  readonly engine: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #options: PlanOptions;
  readonly #device: GPUDevice;
  readonly #ownsDevice: boolean;
  readonly #pipelines: PipelineCache;
  /** By fusion and input shapes: a model with an open batch is planned and compiled once for each size. */
  readonly #plans = new Map<string, Plan>();
  readonly #executables = new Map<Plan, Promise<Executable>>();
  #plan: Plan;
  #released = false;

  private constructor(graph: Graph, plan: Plan, options: PlanOptions, device: GPUDevice, ownsDevice: boolean) {
    this.graph = graph;
    this.engine = plan.engine.name;
    this.inputNames = graph.inputs.map((input) => input.name);
    this.outputNames = graph.outputs;
    this.#options = options;
    this.#device = device;
    this.#ownsDevice = ownsDevice;
    this.#pipelines = PipelineCache.of(device);
    this.#plan = plan;
    this.#plans.set(keyOf(plan.graph.inputs.map(({ shape }) => shape)), plan);
  }

  /**
   * @param model the file's bytes, or a graph that readModel gave
   * @throws InvalidInputError, InvalidModelError, UnsupportedModelError before any work on a device; DeviceError
   */
  static async create(
    model: Uint8Array | ArrayBufferLike | Graph,
    options: SessionOptions = {},
  ): Promise<InferenceSession> {
    checkOptions(options, ['device']);
    const { device: given, ...others } = options;
    if (given !== undefined) checkDevice(given);
    const bytes = bytesOf(model);
    const graph = bytes ? readModel(bytes) : (model as Graph);
    checkGraph(graph);
    const device = given ?? (await requestDevice());
    const what = 'opening the model';
    let session: InferenceSession | undefined;
    try {
      return await onDevice(device, what, async () => {
        const features = others.features ?? (await featuresOf(device));
        const planOptions = { profile: profileOf(device), ...others, features };
        const plan = await planWhileCompiling(graph, planOptions, device);
        session = new InferenceSession(graph, plan, planOptions, device, given === undefined);
        await session.#executable(plan);
        await expectAlive(device, what);
        return session;
      });
    } catch (error) {
      session?.release();
      if (!session && !given) device.destroy();
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

  /**
   * Calls that do not wait for one another overlap: the inputs of one are written, and the outputs of another read, while
   * the GPU computes. What is fed is copied before the call returns: its arrays may be filled again at once.
   *
   * @throws InvalidInputError, DeviceError
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const tensors = tensorsOf(feeds);
    const plan = this.#planFor(shapesOf(tensors));
    const inputs = takeInputs(plan, tensors);
    return (await this.#executable(plan)).run(inputs);
  }

  /**
   * One inference on zeros, so that the first real one is as fast as any: drivers put off work until pipelines are used.
   *
   * @param shapes of inputs whose dimensions the model leaves open, as `run` will be fed; default: those of the last run
   * @throws InvalidInputError, DeviceError
   */
  async warmUp(shapes: Shapes = {}): Promise<void> {
    checkShapes(shapes);
    const { inputs } = this.#planFor(shapes).graph;
    const zeros = inputs.map(({ name, type, shape }) => {
      return [name, new Tensor(type, newElementData(type, elementCount(shape)) as never, shape)] as const;
    });
    await this.run(Object.fromEntries(zeros));
  }

  /**
   * Every tensor of one inference and, on request, the int32 accumulators. Changes no result. Steps that `run`
   * fuses are not fused here, so that every tensor is written: the bits are the same, and `verify` compares them.
   */
  async trace(feeds: Feeds, options: { accumulators?: boolean } = {}): Promise<Trace> {
    if (!isRecord(options)) throw new InvalidInputError(`options are an object, got ${kindOf(options)}`);
    const tensors = tensorsOf(feeds);
    const plan = this.#planFor(shapesOf(tensors));
    const unfused = plan.fusion === 'none' ? plan : this.#planned(shapesOf(tensors), 'none');
    const inputs = takeInputs(unfused, tensors);
    return (await this.#executable(unfused)).trace(inputs, Boolean(options.accumulators));
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
    let found = this.#plans.get(key);
    if (!found) {
      found = createPlan(this.graph, { ...this.#options, shapes, ...(fusion && { fusion }) });
      this.#plans.set(key, found);
    }
    return found;
  }

  #executable(plan: Plan): Promise<Executable> {
    let found = this.#executables.get(plan);
    if (!found) {
      found = Executable.compile(this.#device, plan, this.#pipelines);
      this.#executables.set(plan, found);
      // memory that is not there now may be there later
      found.catch(() => this.#executables.delete(plan));
    }
    return found;
  }
}

function keyOf(shapes: readonly (readonly number[])[], fusion?: Fusion): string {
  return JSON.stringify([shapes, fusion]);
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
    pipelines.get(next.value).catch(() => undefined);
    if (Date.now() - since < STRETCH_MS) continue;
    // browsers send what was asked of a device once a task ends; in between, a page can answer its user
    await device.queue.onSubmittedWorkDone();
    since = Date.now();
  }
}

function shapesOf(feeds: Feeds): Shapes {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
}
