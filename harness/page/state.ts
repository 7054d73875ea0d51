import type { Plan } from '../../src/plan/plan.ts';
import type { TracedTensor } from '../../src/trace.ts';
import type { Picture } from '../../src/pictures/picture.ts';
import type { RecipeName } from '../../src/recipes.ts';
import type { RankedClass } from '../../src/classes.ts';
import type { TuningFile } from '../tune/file.ts';
import type { Verification } from '../worker/protocol.ts';

export const PHASES = ['reading', 'planning', 'compiling', 'running', 'comparing'] as const;
export type Phase = (typeof PHASES)[number];

/** A model that was chosen; not yet read. */
export interface ModelChoice {
  readonly name: string;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly recipe?: RecipeName;
  bytes(): Promise<Uint8Array>;
}

interface PictureChoice {
  readonly name: string;
  readonly file: Blob;
  /** An object URL of `file`. */
  readonly url: string;
}

/** The kernels' tuning for the open model, which the browser keeps. */
export interface LabTuning {
  /** What was found, whole or in part; its profile is in use. */
  readonly file?: TuningFile | undefined;
  /** Why what is kept is not in use. */
  readonly problem?: string | undefined;
  /** Of a tuning that is under way. */
  readonly progress?: { readonly done: number; readonly of: number; readonly what: string };
}

/** What the page shows. Parts of a result appear as soon as they are known. */
export interface LabState {
  readonly model: ModelChoice;
  readonly picture?: PictureChoice;
  readonly recipe?: RecipeName;
  /** The name of an engine; undefined: the one that the file is for. */
  readonly engine?: string;
  readonly labels?: readonly string[];
  /** What is being done. */
  readonly phase?: Phase;
  readonly error?: unknown;
  readonly plan?: Plan;
  readonly tuning?: LabTuning;
  /** What the network is fed, to look at. */
  readonly seen?: Picture;
  readonly classes?: readonly RankedClass[];
  readonly tensors?: ReadonlyMap<string, TracedTensor>;
  /** The engine that the tensors are compared with. */
  readonly against?: string;
  readonly verification?: Verification;
}

/** Of a result, not of what was chosen. */
export const NO_RESULT = {
  phase: undefined,
  error: undefined,
  seen: undefined,
  classes: undefined,
  tensors: undefined,
  against: undefined,
  verification: undefined,
} as const;

/** Changes of the state; undefined takes a part away. */
export type LabChange = { readonly [K in keyof LabState]?: LabState[K] | undefined };

/** The state and who wants to know of its changes. */
export class Store {
  #state: LabState;
  readonly #views: ((state: LabState) => void)[] = [];

  constructor(model: ModelChoice) {
    const { labels, recipe } = model;
    this.#state = { model, ...(labels && { labels }), ...(recipe && { recipe }) };
  }

  get state(): LabState {
    return this.#state;
  }

  update(change: LabChange): void {
    const entries = Object.entries({ ...this.#state, ...change }).filter(([, value]) => value !== undefined);
    this.#state = Object.fromEntries(entries) as unknown as LabState;
    for (const view of this.#views) view(this.#state);
  }

  /** Shows the state now and after each change. */
  show(view: (state: LabState) => void): void {
    this.#views.push(view);
    view(this.#state);
  }
}
