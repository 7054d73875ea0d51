import type { EngineOptions } from '../../src/engines/index.ts';
import type { ElementType } from '../../src/graph/graph.ts';

/** A tensor whose elements are fetched from a path of the page's server, little-endian, C order. */
export interface RemoteTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly path: string;
}

export type RemoteFeeds = Readonly<Record<string, RemoteTensor>>;

/** Whose bits are computed: an engine by name, and how it is run. */
export interface EngineChoice {
  readonly name: string;
  readonly options: EngineOptions;
}
