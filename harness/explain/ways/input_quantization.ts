import { byteRange, type ElementData } from '../../../src/graph/graph.ts';
import { clamp, f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { TensorQuantization } from '../../../src/engines/engine.ts';
import { waysOf, type Choice } from '../problem.ts';

/** What a layer takes its input to be. */
export interface InputChoice extends Choice {
  readonly x: () => ElementData;
  readonly zeroPoint: number;
  /** The scale that the bias and the requantization are computed with. */
  readonly scale: number;
}

/** A quantization of the network's float input that is not the model's. */
export interface OwnQuantization {
  readonly id: string;
  readonly detail: string;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly x: () => ElementData;
}

const way = waysOf('input-quantization');

/** For people. */
export const numbers = ({ scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number }): string =>
  `scale ${scale.toPrecision(6)}, zero point ${zeroPoint}`;

/**
 * The input as the model has it; with another zero point taken out of it; and, for a layer that reads the network's
 * quantized input, quantized in another way, the layer then requantizing with these parameters or with the model's.
 */
export function inputChoices(
  x: ElementData,
  { type, scale, zeroPoint }: TensorQuantization,
  own: readonly OwnQuantization[],
): InputChoice[] {
  const middle = byteRange(type)[0] + 128;
  const model = { x: () => x, zeroPoint, scale };
  const others = (
    [
      ['ignored', 'not subtracted', 0],
      ['middle', `taken as ${middle}`, middle],
      ['one-less', 'one too low', zeroPoint - 1],
      ['one-more', 'one too high', zeroPoint + 1],
    ] as const
  ).map(([id, how, zeroPoint]) =>
    way(`zero-point-${id}`, `the zero point of the input is ${how}`, { ...model, zeroPoint }),
  );
  const distinct: OwnQuantization[] = [];
  const quantized = own.flatMap((q): InputChoice[] => {
    const twin = distinct.find((other) => other.zeroPoint === q.zeroPoint && sameBytes(other.x(), q.x()));
    if (!twin) distinct.push(q);
    const where = `the input is quantized with ${q.detail}: ${numbers(q)}`;
    const read = { x: q.x, zeroPoint: q.zeroPoint };
    return [
      way(q.id, where, { ...read, scale: q.scale, ...(twin && { sumsLike: twin.id }) }),
      way(`${q.id}/model-scale`, `${where}; the rest is computed with the model's scale`, {
        ...read,
        scale,
        sumsLike: (twin ?? q).id,
      }),
    ];
  });
  const taken = new Set<number>([zeroPoint]);
  return [
    way('model', `the input has ${numbers({ scale, zeroPoint })}`, model),
    ...others.filter((choice) => !taken.has(choice.zeroPoint) && taken.add(choice.zeroPoint)),
    ...quantized,
  ];
}

export function sameBytes(a: ElementData, b: ElementData): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

type Round = (v: number) => number;

const ROUNDINGS: readonly (readonly [id: string, detail: string, round: Round])[] = [
  ['even', '', roundHalfEven],
  ['away', ', ties away from zero', (v) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5)],
  ['floor', ', rounded down', Math.floor],
];

const ZERO_POINTS: typeof ROUNDINGS = [
  ['nearest', '', roundHalfEven],
  ['down', ', its zero point rounded down', Math.floor],
  ['up', ', its zero point rounded up', Math.ceil],
];

const PRECISIONS: typeof ROUNDINGS = [
  ['float64', '', (scale) => scale],
  ['float32', '', f32],
];

/** Quantizations that people take from the picture itself: its range, in 255 or 256 steps. */
export function ownQuantizations(values: Float32Array, type: 'uint8' | 'int8'): OwnQuantization[] {
  const [least, most] = byteRange(type);
  let [min, max] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const ranges = [
    ['min-max', 'own min and max', min, max],
    ['min-max-zero', 'own min and max and zero', Math.min(min, 0), Math.max(max, 0)],
    ['symmetric', 'own largest magnitude', -largest, largest],
  ] as const;
  const found = new Map<string, OwnQuantization>();
  for (const [id, whose, from, to] of ranges)
    for (const steps of [255, 256])
      for (const [precision, , rounded] of PRECISIONS)
        for (const [zeroId, zeroDetail, roundZero] of ZERO_POINTS)
          for (const [rounding, roundingDetail, round] of ROUNDINGS) {
            const scale = rounded((to - from) / steps);
            if (!(scale > 0 && scale < Infinity)) continue;
            const zeroPoint = clamp(roundZero(least - from / scale), least, most);
            const key = [scale, zeroPoint, rounding].join();
            if (found.has(key)) continue;
            found.set(key, {
              id: [id, steps, precision, zeroId, rounding].join('/'),
              detail: `this input's ${whose}${steps === 256 ? ' in 256 steps' : ''}${zeroDetail}${roundingDetail}`,
              scale,
              zeroPoint,
              x: quantizer(values, { type, scale, zeroPoint }, round),
            });
          }
  return [...found.values()];
}

/** Quantizes when it is first needed. */
export function quantizer(
  values: Float32Array,
  { type, scale, zeroPoint }: TensorQuantization,
  round: Round = roundHalfEven,
): () => ElementData {
  const [least, most] = byteRange(type);
  const map = (v: number): number => clamp(round(v / scale) + zeroPoint, least, most);
  let result: ElementData | undefined;
  return () => (result ??= type === 'uint8' ? Uint8Array.from(values, map) : Int8Array.from(values, map));
}
