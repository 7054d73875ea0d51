import type { Engine } from '../engines/engine.ts';
import type { Graph } from '../graph/graph.ts';
import type { Fusion } from '../join/fusion.ts';
import { join } from '../join/join.ts';
import type { Joined } from '../join/joined.ts';
import { admits } from '../kernels/choose.ts';
import { DEFAULT_FEATURES, type Features } from '../kernels/features.ts';
import type { Target } from '../kernels/target.ts';
import type { Preferences } from '../kernels/variant.ts';
import { inferGraph, layersOf } from '../layers/infer.ts';
import type { Layer } from '../layers/layer.ts';
import type { TypedGraph } from '../layers/operator.ts';
import { rewrite } from '../rewrite/index.ts';
import { checkGraph, checkOptions } from './arguments.ts';
import type { ResolvedOptions } from './options.ts';
import { DEFAULT_PROFILES, preferencesOf, type Profile } from './profile.ts';

/** What a plan is made for. */
export interface Settings {
  readonly engine: Engine;
  readonly features: Features;
  readonly profile: Profile;
  readonly fusion: Fusion;
}

/** What a graph means, wherever it is computed. */
export interface Meaning {
  /** As the engine runs it. */
  readonly rewritten: Graph;
  /** Every type and shape known, what is constant computed. */
  readonly typed: TypedGraph;
  /** What has to be computed for each node. */
  readonly layers: readonly Layer[];
}

/** What becomes of a graph before any kernel is chosen: each stage is made of the one before it, and is plain data. */
interface Stages extends Meaning {
  readonly settings: Settings;
  readonly target: Target;
  /** What each dispatch computes. */
  readonly joined: readonly Joined[];
}

/** @throws UnsupportedModelError, InvalidModelError, InvalidInputError */
export function meaningOf(graph: Graph, options: Pick<ResolvedOptions, 'engine' | 'shapes'>): Meaning {
  checkGraph(graph);
  checkOptions(options);
  const { engine, shapes } = options;
  const rewritten = rewrite(graph, engine);
  const typed = inferGraph(rewritten, engine, shapes);
  return { rewritten, typed, layers: layersOf(typed, engine) };
}

/**
 * @param meaning of the graph, where it is known already
 * @throws as meaningOf
 */
export function stagesOf(graph: Graph, options: ResolvedOptions, meaning = meaningOf(graph, options)): Stages {
  checkOptions(options);
  const settings = settingsOf(options);
  const { features, profile, fusion } = settings;
  const { typed, layers } = meaning;
  const target = targetOf(typed, features, preferencesOf(profile, features));
  const { joined, planes } = join(layers, { fusion, outputs: typed.outputs, admits: (one) => admits(one, target) });
  return { ...meaning, settings, target: { ...target, planes }, joined };
}

function settingsOf(options: ResolvedOptions): Settings {
  return {
    engine: options.engine,
    features: options.features ?? DEFAULT_FEATURES,
    profile: options.profile ?? DEFAULT_PROFILES.gpu,
    fusion: options.fusion ?? options.profile?.fusion ?? 'none',
  };
}

function targetOf({ tensors }: TypedGraph, features: Features, preferences: Preferences): Target {
  const names = new Set(tensors.keys());
  return {
    features,
    preferences,
    planes: new Set(),
    unusedName(like) {
      let name = like;
      for (let i = 1; names.has(name); i++) name = `${like}.${i}`;
      names.add(name);
      return name;
    },
  };
}
