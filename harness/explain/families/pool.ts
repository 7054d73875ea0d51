import { byteRange } from '../../../src/graph/graph.ts';
import { extent } from '../../../src/layers/layout.ts';
import type { Definition } from '../../../src/layers/definition.ts';
import { f32 } from '../../../src/engines/rounding.ts';
import type { PoolLayer } from '../../../src/engines/engine.ts';
import { dimension, problemOf, waysOf, type Choice, type Problem } from '../problem.ts';
import { clampChoices, ownClamp } from '../ways/clamp.ts';
import { engineChoices, engineWay } from '../ways/engines.ts';
import { endingOf, finish } from '../ways/rounding.ts';
import { mantissa } from '../ways/scale.ts';
import { whereReferenceIs, type LayerQuestion } from './family.ts';

interface ZeroChoice extends Choice {
  readonly zero: number;
}

const zeroWay = waysOf('input-quantization');

function zeroChoices({ input: { zeroPoint } }: PoolLayer): ZeroChoice[] {
  const own = zeroWay('own', `zero point ${zeroPoint} is subtracted`, { zero: zeroPoint });
  return zeroPoint === 0 ? [own] : [own, zeroWay('ignored', 'the zero point is not subtracted', { zero: 0 })];
}

/** From sum(x - zx) to a value in units of the output. */
interface ScaleChoice extends Choice {
  readonly float32: boolean;
  readonly of: (layer: PoolLayer) => (sum: number, channel: number) => number;
}

const way = waysOf('scale');

const float32 = (id: string, detail: string, multiplier: (layer: PoolLayer) => number): ScaleChoice =>
  way(id, detail, {
    float32: true,
    of(layer: PoolLayer) {
      const m = multiplier(layer);
      return (sum: number) => f32(f32(sum) * m);
    },
  });

const float64 = (id: string, detail: string, multiplier: (ratio: number, count: number) => number): ScaleChoice =>
  way(id, detail, {
    float32: false,
    of({ input, output, count }: PoolLayer) {
      const m = multiplier(input.scale / output.scale, count);
      return (sum: number) => sum * m;
    },
  });

const SCALES: readonly ScaleChoice[] = [
  float32('float32', 'the sum is multiplied with the float32 sx/(sy*n)', ({ input, output, count }) =>
    f32(input.scale / f32(output.scale * count)),
  ),
  float32('float32-count', 'the sum is multiplied with the float32 1/n', ({ count }) => f32(1 / count)),
  float64('float64', 'the sum is divided in float64', (ratio, count) => ratio / count),
  ...[31, 16, 8, 15, 12, 10, 24].map((bits) =>
    float64(`mantissa-${bits}`, `the sum is multiplied with a fixed-point 1/n of ${bits} bits`, (ratio, count) =>
      mantissa(ratio / count, bits),
    ),
  ),
  float64(
    'power-of-two',
    'the count is taken as the next power of two',
    (ratio, count) => ratio / 2 ** Math.ceil(Math.log2(count)),
  ),
];

/** How the engines do it. */
const REFERENCES = [
  { scale: 'float32', order: 'after', rounding: 'even' },
  { scale: 'float32-count', order: 'before', rounding: 'even' },
];

/** A global average pool as a family of implementations. */
export function poolProblem({ layer, functions }: Definition<'global_average_pool'>, question: LayerQuestion): Problem {
  const { node, bound, operands, theirs } = question;
  const x = operands.get(node.inputs[0]!) as Uint8Array;
  const { output, count } = layer;
  const raw = Float64Array.from({ length: theirs.length }, (_, i) =>
    x.subarray(i * count, (i + 1) * count).reduce((sum, value) => sum + value, 0),
  );
  const { channels } = extent(bound.context.info(node.outputs[0]!));
  // what an engine clamps to is another step
  const byEngine = engineChoices(bound.engine, (engine) => {
    const steps = functions(engine, { ...layer, clamp: byteRange(output.type) });
    const all = Array.from({ length: steps.channels }, (_, channel) => steps.at(channel));
    const value = (sum: number, channel: number): number => all[channel % all.length]!(sum) - output.zeroPoint;
    return { float32: false, of: () => value };
  });
  const isShared = functions(bound.engine, layer).channels === 1;
  const own = { scale: engineWay(bound.engine), order: 'after', rounding: 'even' };
  const clamp = ownClamp(layer);
  return whereReferenceIs(question, [...REFERENCES, own], ({ scale, ...reference }) =>
    problemOf(
      { zero: dimension(zeroChoices(layer)) },
      {
        scale: dimension([...SCALES, ...byEngine], scale),
        ...endingOf({ ...reference, clamp }, clampChoices(layer, theirs)),
      },
      {
        theirs,
        groupSize: isShared ? theirs.length : 1,
        products: 1,
        sums: ({ zero: { zero } }) => ({
          at: (element) => raw[element]! - zero * count,
          all: () => raw.map((sum) => sum - zero * count),
        }),
        output(ways) {
          const scaled = ways.scale.of(layer);
          const last = finish(ways, output.zeroPoint, ways.scale.float32);
          return (sum, element) => last(scaled(sum, element % channels));
        },
      },
    ),
  );
}
