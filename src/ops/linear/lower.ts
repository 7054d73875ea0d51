import { UnsupportedModelError } from '../../errors.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { askEngine, label, type OpContext } from '../op.ts';
import { outputStage } from '../requantization.ts';
import type { Step } from '../step.ts';
import type { LayerGeometry, VariantChoice, VariantOption } from '../variant.ts';
import { geometryKey, kindOf, outputPixels } from './geometry.ts';
import { expectNoOverflow, reachable, weightsPerChannel, type Linear } from './linear.ts';
import { saturatingChannels } from './saturation.ts';
import { LINEAR_VARIANTS } from './variants/index.ts';
import type { LinearTask, LinearVariant } from './variants/variant.ts';

function taskOf(node: GraphNode, context: OpContext, linear: Linear): LinearTask {
  return {
    node,
    linear,
    kind: kindOf(linear),
    range: reachable(node, linear),
    saturatingChannels: saturatingChannels(node, context, linear),
  };
}

function admits(variant: LinearVariant, task: LinearTask, context: OpContext): true | string {
  if (!variant.kinds.includes(task.kind)) return `it is for ${variant.kinds.join(', ')} layers`;
  return variant.admits(task, context.features);
}

function tileOf(variant: LinearVariant, { tile }: VariantChoice): number {
  return tile !== undefined && variant.tiles?.includes(tile) ? tile : (variant.tiles?.[0] ?? 0);
}

interface Chosen {
  readonly variant: LinearVariant;
  readonly tile: number;
}

/** The variant that a profile forces, else the first one it wants that admits the layer, else the first that does. */
function choose(task: LinearTask, layer: LayerGeometry, context: OpContext): Chosen {
  const forced = context.preferences.forced(layer);
  if (forced) {
    const variant = LINEAR_VARIANTS.find(({ name }) => name === forced.variant);
    const refused = variant ? admits(variant, task, context) : 'there is no such variant';
    const size = forced.tile === undefined || variant?.tiles?.includes(forced.tile) || `it has no tile ${forced.tile}`;
    const reason = [refused, size].find((answer) => typeof answer === 'string');
    if (!variant || reason)
      throw new UnsupportedModelError(`${label(task.node)}: variant '${forced.variant}' is asked for: ${reason}`);
    return { variant, tile: tileOf(variant, forced) };
  }
  const wanted: readonly VariantChoice[] = [
    ...context.preferences.wanted(layer),
    ...LINEAR_VARIANTS.map(({ name }) => ({ variant: name })),
  ];
  for (const choice of wanted) {
    const variant = LINEAR_VARIANTS.find(({ name }) => name === choice.variant);
    if (variant && admits(variant, task, context) === true) return { variant, tile: tileOf(variant, choice) };
  }
  throw new Error(`no variant for ${label(task.node)}`); // the general kernels admit every layer between them
}

export function lowerLinear(node: GraphNode, context: OpContext, linear: Linear): Step {
  const task = taskOf(node, context, linear);
  const { layer } = linear;
  const place: LayerGeometry = { node: node.name, kind: task.kind, geometry: geometryKey(linear) };
  const { variant, tile } = choose(task, place, context);
  const lowered = variant.lower(task, context.features, tile);
  const functions = askEngine(node, () => context.engine.linear(layer));
  expectNoOverflow(node, functions, task.range);
  const stage = outputStage(functions, task.range, layer.output, context.preferences);
  return {
    node: node.name,
    op: node.op,
    kernel: lowered.kernel,
    slots: { ...stage.slots, ...lowered.slots },
    operands: [{ tensor: node.inputs[0]! }, ...lowered.operands.map((data) => ({ data }))],
    output: node.outputs[0]!,
    parameters: stage.parameters,
    geometry: lowered.geometry,
    overrides: { ...stage.overrides, ...lowered.overrides },
    counts: { ...stage.counts, ...lowered.counts },
    workgroups: lowered.workgroups,
    macs: outputPixels(linear) * layer.outputChannels * weightsPerChannel(linear),
    accumulates: true,
    variant: { ...place, variant: variant.name, ...(variant.tiles ? { tile } : {}) },
    proof: stage.proof,
    ...(task.saturatingChannels > 0 ? { saturatingChannels: task.saturatingChannels } : {}),
  };
}

/** Every variant for the layer's kind, and whether it may compute this layer. */
export function linearVariants(node: GraphNode, context: OpContext, linear: Linear): VariantOption[] {
  const task = taskOf(node, context, linear);
  return LINEAR_VARIANTS.filter(({ kinds }) => kinds.includes(task.kind)).map((variant) => ({
    variant: variant.name,
    tiles: variant.tiles ?? [],
    admitted: admits(variant, task, context),
  }));
}
