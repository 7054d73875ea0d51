import { ofChannel, type ElementData } from '../../../src/graph/graph.ts';
import type { ByteLinear } from '../../../src/layers/layer.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { dimension, indexOf, problemOf, referenceRecipe, type Problem } from '../problem.ts';
import { ACCUMULATIONS, accumulationChoices, WIDTHS } from '../ways/accumulation.ts';
import { alignmentChoices } from '../ways/alignment.ts';
import { added, biasChoices } from '../ways/bias.ts';
import { channelChoices } from '../ways/channel_order.ts';
import { clampChoices, ownClamp } from '../ways/clamp.ts';
import { inputChoices, type OwnQuantization } from '../ways/input_quantization.ts';
import { paddingChoices } from '../ways/padding.ts';
import { endingOf, finish } from '../ways/rounding.ts';
import { scaleChoices } from '../ways/scale.ts';
import { vectorLineChoices } from '../ways/vector_lines.ts';
import { signednessChoices } from '../ways/signedness.ts';
import { layoutChoices } from '../ways/weight_layout.ts';
import { recipesOf, type EngineRecipe } from './engine_recipes.ts';
import type { BiasedFunctions } from '../../vectors/biased.ts';
import { unknownWays } from './family.ts';
import { Windows } from './window.ts';

interface LinearQuestion {
  readonly linear: ByteLinear;
  readonly engine: Engine;
  /** The layer's input, NCHW. */
  readonly x: ElementData;
  readonly theirs: ElementData;
  /** Other quantizations of the network's input, where the layer reads it. */
  readonly own?: readonly OwnQuantization[];
  /** Zero points of other tensors, which may have been left in the padding. */
  readonly staleZeroPoints?: readonly number[];
  /** What `exact8 vectors` writes of it. */
  readonly biased?: BiasedFunctions;
}

/** Accumulators at which an engine is compared with a recipe, in each channel. */
const PROBES = 64;

/** Does the reference's output function equal the engine's? */
function isEngine(problem: Problem, engine: Engine, { layer, output }: ByteLinear): boolean {
  const functions = engine.linear(layer);
  const f = problem.output(referenceRecipe(problem));
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
    if (isEngine(problem, engine, linear)) return problem;
  }
  throw unknownWays(engine.name);
}

function build(
  { linear, engine, x, theirs, own = [], staleZeroPoints = [], biased }: LinearQuestion,
  reference: EngineRecipe,
): Problem {
  const { layer, strides, output: extent } = linear;
  const { input, output } = layer;
  const plane = extent.height * extent.width;
  const hasPadding = layer.pads.some((pad) => pad > 0);
  const hasWeightZero = layer.weightZeroPoint.some((z) => z !== 0);
  const windows = new Windows(linear);
  const biases = dimension(biasChoices(layer), reference.bias);
  const ownBias = biases.choices[biases.reference];
  const scales = [...scaleChoices(layer, reference.scale), ...(biased ? vectorLineChoices(biased, layer) : [])];
  return problemOf(
    {
      input: dimension(inputChoices(x, input, own)),
      padding: dimension(paddingChoices(input.zeroPoint, [output.zeroPoint, ...staleZeroPoints], hasPadding)),
      alignment: dimension(alignmentChoices(layer.kernel, strides)),
      layout: dimension(layoutChoices(linear)),
      channels: dimension(channelChoices(layer.inputChannels, layer.outputChannels)),
      signedness: dimension(signednessChoices(input.type === 'int8', linear.weightSigned, hasWeightZero)),
      accumulation: {
        ...dimension(...accumulationChoices(layer, engine.accumulation(layer))),
        plain: indexOf(ACCUMULATIONS, 'exact'),
      },
    },
    {
      width: dimension(WIDTHS),
      bias: biases,
      scale: dimension(scales, reference.scale),
      ...endingOf({ ...reference, clamp: ownClamp(layer) }, clampChoices(layer, theirs), true, layer.outputChannels),
    },
    {
      theirs,
      groupSize: plane,
      products: windows.products,
      sums: (ways) => windows.sums(ways),
      output(ways) {
        const { input, channels, width, bias, scale } = ways;
        const { narrow } = width;
        const shared = scale.weightScale?.(layer);
        const functionOf = (channel: number): ((sum: number) => number) => {
          const scales = { x: input.scale, w: shared ?? ofChannel(layer.weightScale, channel), y: output.scale };
          const integer = bias === ownBias ? scale.integerBias?.(channel) : undefined;
          const steps = integer === undefined ? bias.of({ layer, channel, inputScale: input.scale }) : added(integer);
          const { before: addBias, real = 0, after = 0 } = steps;
          const scaled = scale.of(scales, channel);
          const multiplier = (scales.x * scales.w) / scales.y;
          const last = finish(ways, after + output.zeroPoint, scale.float32, { multiplier, channel });
          return (accumulator) => {
            const sum = addBias ? addBias(accumulator) : accumulator;
            return last(scaled(narrow ? narrow(sum) : sum, real));
          };
        };
        const functions: ((sum: number) => number)[] = [];
        return (sum, element) => {
          const o = Math.floor(element / plane) % layer.outputChannels;
          return (functions[o] ??= functionOf(channels.output?.[o] ?? o))(sum);
        };
      },
    },
  );
}
