import { UnsupportedModelError } from '../../../src/errors.ts';
import { byteRange, type ElementData } from '../../../src/graph/graph.ts';
import type { Linear } from '../../../src/layers/layer.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import { areSaturatingNeighbours } from '../../../src/engines/pairs.ts';
import type { LinearLayer, Engine } from '../../../src/engines/engine.ts';
import { dimension } from './elementwise.ts';
import { recipesOf, type EngineRecipe } from './engine_recipes.ts';
import { indexOf, referenceRecipe, type Problem, type Recipe } from '../problem.ts';
import { ACCUMULATIONS, WIDTHS } from '../ways/accumulation.ts';
import { alignmentChoices } from '../ways/alignment.ts';
import { biasChoices } from '../ways/bias.ts';
import { channelChoices } from '../ways/channel_order.ts';
import { clampChoices } from '../ways/clamp.ts';
import { inputChoices, type OwnQuantization } from '../ways/input_quantization.ts';
import { paddingChoices } from '../ways/padding.ts';
import { ROUNDINGS } from '../ways/rounding.ts';
import { scaleChoices } from '../ways/scale.ts';
import { signednessChoices } from '../ways/signedness.ts';
import { layoutChoices } from '../ways/weight_layout.ts';
import { ORDERS } from '../ways/zero_point_order.ts';
import { Windows } from './window.ts';

export interface LinearQuestion {
  readonly linear: Linear;
  readonly engine: Engine;
  /** The layer's input, NCHW. */
  readonly x: ElementData;
  readonly theirs: ElementData;
  /** Other quantizations of the network's input, where the layer reads it. */
  readonly own?: readonly OwnQuantization[];
  /** Zero points of other tensors, which may have been left in the padding. */
  readonly staleZeroPoints?: readonly number[];
}

/** Accumulators at which an engine is compared with a recipe, in each channel. */
const PROBES = 64;

/** Does a recipe's output function equal the engine's? */
function isEngine(problem: Problem, recipe: Recipe, engine: Engine, linear: Linear): boolean {
  const { layer, output } = linear;
  const functions = engine.linear(layer);
  const f = problem.output(recipe);
  const plane = output.height * output.width;
  for (let o = 0; o < layer.outputChannels; o++) {
    const exact = functions.at(o);
    const reach = 256 / functions.slope(o);
    for (let i = 0; i < PROBES; i++) {
      // odd multiples of a step that is no fraction of anything: all over the range
      const accumulator = Math.round((((i * 0.618034 + o * 0.31) % 1) - 0.5) * 2 * reach);
      if (exact(accumulator) !== f(accumulator, o * plane)) return false;
    }
  }
  return true;
}

/**
 * A convolution or a fully connected layer as a family of implementations, the reference being the engine.
 *
 * @throws UnsupportedModelError where no combination of the known ways is what the engine does
 */
export function linearProblem(question: LinearQuestion): Problem {
  const { linear, engine } = question;
  for (const recipe of recipesOf(engine, linear.layer)) {
    const problem = build(question, recipe);
    if (isEngine(problem, referenceRecipe(problem), engine, linear)) return problem;
  }
  throw new UnsupportedModelError(
    `what the engine '${engine.name}' does in this layer is none of the ways that are known`,
  );
}

function build(
  { linear, engine, x, theirs, own = [], staleZeroPoints = [] }: LinearQuestion,
  engineRecipe: EngineRecipe,
): Problem {
  const { layer, strides, output } = linear;
  const plane = output.height * output.width;
  const hasPadding = layer.pads.some((pad) => pad > 0);
  const input = dimension(inputChoices(x, layer.input, own));
  const padding = dimension(
    paddingChoices(layer.input.zeroPoint, [layer.output.zeroPoint, ...staleZeroPoints], hasPadding),
  );
  const alignment = dimension(alignmentChoices(layer.kernel, strides));
  const layout = dimension(layoutChoices(linear));
  const channels = dimension(channelChoices(layer.inputChannels, layer.outputChannels));
  const signedness = dimension(
    signednessChoices(
      layer.input.type === 'int8',
      linear.weightSigned,
      layer.weightZeroPoint.some((z) => z !== 0),
    ),
  );
  const accumulation = {
    ...dimension(ACCUMULATIONS, ownAccumulation(engine, layer)),
    plain: indexOf(ACCUMULATIONS, 'exact'),
  };
  const width = dimension(WIDTHS);
  const bias = dimension(biasChoices(layer), engineRecipe.bias);
  const scale = dimension(scaleChoices(layer, engineRecipe.scale), engineRecipe.scale);
  const order = dimension(ORDERS, engineRecipe.order);
  const rounding = dimension(ROUNDINGS, engineRecipe.rounding);
  const clamp = dimension(clampChoices(layer.output), ownClamp(layer));

  const windows = new Windows(linear);
  const { zeroPoint } = layer.output;
  const weightScaleOf = (o: number): number => layer.weightScale[layer.weightScale.length === 1 ? 0 : o]!;

  function output_(recipe: Recipe): (sum: number, element: number) => number {
    const chosen = {
      input: input.choices[recipe[0]!]!,
      channels: channels.choices[recipe[4]!]!,
      narrow: width.choices[recipe[7]!]!.narrow,
      bias: bias.choices[recipe[8]!]!,
      scale: scale.choices[recipe[9]!]!,
      before: order.choices[recipe[10]!]!.before,
      rounding: rounding.choices[recipe[11]!]!,
      clamp: clamp.choices[recipe[12]!]!.of,
    };
    const { narrow, before, clamp: limit } = chosen;
    const biasOf = chosen.bias.of(layer, chosen.input.scale);
    const { float32 } = chosen.scale;
    const shared = chosen.scale.weightScale?.(layer);
    const ofChannel = (o: number): ((sum: number) => number) => {
      const scales = { x: chosen.input.scale, w: shared ?? weightScaleOf(o), y: layer.output.scale };
      const steps = biasOf(o);
      const { before: addBias, real = 0, after = 0 } = steps;
      const scaled = chosen.scale.of(scales);
      const round = chosen.rounding.of((scales.x * scales.w) / scales.y);
      return (accumulator) => {
        let sum = addBias ? addBias(accumulator) : accumulator;
        if (narrow) sum = narrow(sum);
        const value = scaled(sum, real);
        if (!before) return limit(round(value) + after + zeroPoint);
        const moved = value + after + zeroPoint;
        return limit(round(float32 ? f32(moved) : moved));
      };
    };
    const functions: ((sum: number) => number)[] = [];
    const permuted = chosen.channels.output;
    return (sum, element) => {
      const o = Math.floor(element / plane) % layer.outputChannels;
      return (functions[o] ??= ofChannel(permuted ? permuted[o]! : o))(sum);
    };
  }

  return {
    dimensions: [
      ...[input, padding, alignment, layout, channels, signedness, accumulation],
      ...[width, bias, scale, order, rounding, clamp],
    ],
    sumDimensions: 7,
    theirs,
    groupSize: plane,
    sums: (recipe) =>
      windows.sums({
        input: input.choices[recipe[0]!]!,
        padding: padding.choices[recipe[1]!]!,
        alignment: alignment.choices[recipe[2]!]!,
        layout: layout.choices[recipe[3]!]!,
        channels: channels.choices[recipe[4]!]!,
        signedness: signedness.choices[recipe[5]!]!,
        accumulation: accumulation.choices[recipe[6]!]!,
      }),
    output: output_,
  };
}

/** @throws UnsupportedModelError where none of the known ways is the engine's */
function ownAccumulation(engine: Engine, layer: LinearLayer): string {
  const accumulation = engine.accumulation(layer);
  if (accumulation === 'exact') return 'exact';
  if (areSaturatingNeighbours(layer, accumulation)) return 'pairs';
  throw new UnsupportedModelError(
    `the engine '${engine.name}' pairs the products of this layer in an order of its own`,
  );
}

/** ReLU is a clamp at the zero point; where that is the type's least value, there is one way of both. */
function ownClamp({ relu, output }: LinearLayer): string {
  return relu && output.zeroPoint > byteRange(output.type)[0] ? 'relu' : 'type';
}
