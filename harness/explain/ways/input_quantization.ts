import { byteRange, type ElementData } from '../../../src/graph/graph.ts';
import { clamp, f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { TensorQuantization } from '../../../src/engines/engine.ts';
import type { Choice } from '../problem.ts';

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

const kind = 'input-quantization';

/**
 * The input as the model has it; with another zero point taken out of it; and, for a layer that reads the network's
 * quantized input, quantized in another way, the layer then requantizing with these parameters or with the model's.
 */
export function inputChoices(
  x: ElementData,
  { type, scale, zeroPoint }: TensorQuantization,
  own: readonly OwnQuantization[],
): InputChoice[] {
  const [min] = byteRange(type);
  const model: InputChoice = {
    id: 'model',
    kind,
    detail: `the input has scale ${scale.toPrecision(6)}, zero point ${zeroPoint}`,
    x: () => x,
    zeroPoint,
    scale,
  };
  const others: InputChoice[] = [
    ['ignored', 'the zero point of the input is not subtracted', 0],
    ['middle', `the zero point of the input is taken as ${min + 128}`, min + 128],
    ['one-less', 'the zero point of the input is one too low', zeroPoint - 1],
    ['one-more', 'the zero point of the input is one too high', zeroPoint + 1],
  ].map(([id, detail, zero]) => ({
    ...model,
    id: `zero-point-${id}`,
    detail: detail as string,
    zeroPoint: zero as number,
  }));
  const alike = new Map<OwnQuantization, string>();
  const quantized = own.flatMap((q): InputChoice[] => {
    const twin = [...alike.keys()].find((other) => other.zeroPoint === q.zeroPoint && sameBytes(other.x(), q.x()));
    if (!twin) alike.set(q, q.id);
    const where = `the input is quantized with ${q.detail}: scale ${q.scale.toPrecision(6)}, zero point ${q.zeroPoint}`;
    const choice = { ...model, x: q.x, zeroPoint: q.zeroPoint };
    return [
      {
        ...choice,
        id: q.id,
        detail: where,
        scale: q.scale,
        ...(twin ? { sumsLike: twin.id } : {}),
      },
      {
        ...choice,
        sumsLike: (twin ?? q).id,
        id: `${q.id}/model-scale`,
        detail: `${where}; the rest is computed with the model's scale`,
      },
    ];
  });
  const taken = new Set<number>([zeroPoint]);
  return [
    model,
    ...others.filter((choice) => !taken.has(choice.zeroPoint) && taken.add(choice.zeroPoint)),
    ...quantized,
  ];
}

function sameBytes(a: ElementData, b: ElementData): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const ROUNDINGS: readonly { id: string; detail: string; round: (v: number) => number }[] = [
  { id: 'even', detail: '', round: roundHalfEven },
  { id: 'away', detail: ', ties away from zero', round: (v) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5) },
  { id: 'floor', detail: ', rounded down', round: Math.floor },
];

const ZERO_POINTS: readonly { id: string; detail: string; round: (v: number) => number }[] = [
  { id: 'nearest', detail: '', round: roundHalfEven },
  { id: 'down', detail: ', its zero point rounded down', round: Math.floor },
  { id: 'up', detail: ', its zero point rounded up', round: Math.ceil },
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
    { id: 'min-max', detail: "this input's own min and max", range: [min, max] },
    {
      id: 'min-max-zero',
      detail: "this input's own min and max and zero",
      range: [Math.min(min, 0), Math.max(max, 0)],
    },
    { id: 'symmetric', detail: "this input's own largest magnitude", range: [-largest, largest] },
  ] as const;
  const found = new Map<string, OwnQuantization>();
  for (const { id, detail, range } of ranges)
    for (const steps of [255, 256])
      for (const precision of ['float64', 'float32'] as const)
        for (const zero of ZERO_POINTS)
          for (const rounding of ROUNDINGS) {
            const exact = (range[1] - range[0]) / steps;
            const scale = precision === 'float32' ? f32(exact) : exact;
            if (!(scale > 0)) continue;
            const zeroPoint = clamp(zero.round(least - range[0] / scale), least, most);
            const key = [scale, zeroPoint, rounding.id].join();
            if (found.has(key)) continue;
            found.set(key, {
              id: [id, steps, precision, zero.id, rounding.id].join('/'),
              detail:
                detail +
                (steps === 256 ? ' in 256 steps' : '') +
                (zero.id === 'nearest' ? '' : zero.detail) +
                rounding.detail,
              scale,
              zeroPoint,
              x: quantizer(values, type, scale, zeroPoint, rounding.round),
            });
          }
  return [...found.values()];
}

/** Quantizes when it is first needed. */
export function quantizer(
  values: Float32Array,
  type: 'uint8' | 'int8',
  scale: number,
  zeroPoint: number,
  round: (v: number) => number = roundHalfEven,
): () => ElementData {
  const [least, most] = byteRange(type);
  const map = (v: number): number => clamp(round(v / scale) + zeroPoint, least, most);
  let result: ElementData | undefined;
  return () => (result ??= type === 'uint8' ? Uint8Array.from(values, map) : Int8Array.from(values, map));
}
