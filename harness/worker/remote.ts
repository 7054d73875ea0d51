import type { EngineOptions } from '../../src/engines/index.ts';
import type { ElementType } from '../../src/graph/graph.ts';

/** A tensor whose elements are fetched from a path of the page's server, little-endian, C order. */
export interface RemoteTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly path: string;
}

export type RemoteFeeds = Readonly<Record<string, RemoteTensor>>;

/** Shapes of inputs that a model leaves open, by the inputs' names. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** A model's file by its path, and how it is opened. */
export interface RemoteModel {
  readonly path: string;
  readonly engine: EngineChoice;
  readonly shapes: Shapes;
  /** Tensors that it ends at. */
  readonly outputs?: readonly string[];
}

/** Whose bits are computed: an engine by name, and how it is run. */
export interface EngineChoice {
  readonly name: string;
  readonly options: EngineOptions;
}
