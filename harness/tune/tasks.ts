import type { VariantChoice } from '../../src/kernels/variant.ts';
import { TILES } from '../../src/kernels/tiles.ts';
import { variantsFor, type Plan } from '../../src/plan/plan.ts';

/** A geometry that a model has layers of, and the kernel variants to choose from. */
export interface TuneTask {
  /** Step.variant.geometry: what a profile is asked by. */
  readonly geometry: string;
  readonly kind: string;
  /** The first layer of this geometry: the one that is measured. */
  readonly node: string;
  /** How many layers have it. */
  readonly layers: number;
  /** The profile's choice, without tuning. */
  readonly untuned: VariantChoice;
  /** Every admitted variant in every tile, the untuned one first. */
  readonly choices: readonly VariantChoice[];
}

/** An inverted residual block, as one dispatch in one of several tiles, or layer by layer. */
export interface BlockTask {
  /** Of its depthwise layer: what a profile is asked by. */
  readonly geometry: string;
  /** The depthwise layer of the first such block: the one that is measured. */
  readonly node: string;
  /** All nodes of that block. */
  readonly nodes: readonly string[];
  readonly layers: number;
  /** What the profile does without tuning. */
  readonly untuned: string;
  /** The tile that is taken where nothing was measured. */
  readonly usual: string;
  /** 'unfused', and tiles as a profile names them. */
  readonly choices: readonly string[];
}

export const UNFUSED = 'unfused';

const sameChoice = (a: VariantChoice, b: VariantChoice): boolean => a.variant === b.variant && a.tile === b.tile;

/** A variant and its tile, for people. */
export function nameOf({ variant, tile }: VariantChoice): string {
  return tile === undefined ? variant : `${variant} ${tile}`;
}

/** Every distinct geometry of a plan, in the order of execution. A plan of one dispatch a node. */
export function tuneTasks(plan: Plan): TuneTask[] {
  const tasks = new Map<string, TuneTask>();
  for (const { variant } of plan.steps) {
    if (!variant) continue;
    const { geometry, kind, node } = variant;
    const known = tasks.get(geometry);
    if (known) {
      tasks.set(geometry, { ...known, layers: known.layers + 1 });
      continue;
    }
    const admitted = variantsFor(plan, node)
      .filter((option) => option.admitted === true)
      .flatMap(({ variant, tiles }): VariantChoice[] =>
        tiles.length > 0 ? tiles.map((tile) => ({ variant, tile })) : [{ variant }],
      );
    const untuned = { variant: variant.variant, ...(variant.tile === undefined ? {} : { tile: variant.tile }) };
    const choices = [untuned, ...admitted.filter((choice) => !sameChoice(choice, untuned))];
    tasks.set(geometry, { geometry, kind, node, layers: 1, untuned, choices });
  }
  return [...tasks.values()];
}

/**
 * Every block of a plan whose blocks are fused in the tiles that are usual.
 *
 * @param isFused does the profile that tuning starts from fuse them?
 */
export function blockTasks(plan: Plan, isFused: boolean): BlockTask[] {
  const tasks = new Map<string, BlockTask>();
  for (const { kernel, parts = [], overrides } of plan.steps) {
    const layer = parts.find(({ variant }) => variant?.kind === 'depthwise')?.variant;
    if (kernel !== 'inverted_residual' || !layer) continue;
    const { geometry, node } = layer;
    const known = tasks.get(geometry);
    if (known) {
      tasks.set(geometry, { ...known, layers: known.layers + 1 });
      continue;
    }
    const usual = `${overrides['TILE_HEIGHT']}x${overrides['TILE_WIDTH']}`;
    tasks.set(geometry, {
      ...{ geometry, node, nodes: parts.map((part) => part.node), layers: 1, usual },
      untuned: isFused ? usual : UNFUSED,
      choices: [UNFUSED, ...TILES.map((sizes) => sizes.join('x'))],
    });
  }
  return [...tasks.values()];
}
