import { byteRange, type ElementData } from '../../../src/graph/graph.ts';
import { clamp, roundHalfEven } from '../../../src/engines/rounding.ts';
import type { TensorQuantization } from '../../../src/engines/engine.ts';
import { waysOf, type Choice } from '../problem.ts';

export interface ClampChoice extends Choice {
  readonly of: (value: number) => number;
}

const way = waysOf('clamp');

/**
 * The ways that differ; `relu` says which of the first two is the layer's own.
 *
 * @param theirs int32 where they are not clamped to the type
 */
export function clampChoices({ type, scale, zeroPoint }: TensorQuantization, theirs: ElementData): ClampChoice[] {
  if (theirs instanceof Int32Array) return [...ofType(type, scale, zeroPoint), NONE];
  return ofType(type, scale, zeroPoint);
}

const NONE: ClampChoice = way('none', 'values are not clamped, not even to the type', { of: (v: number) => v });

function ofType(type: TensorQuantization['type'], scale: number, zeroPoint: number): ClampChoice[] {
  const [min, max] = byteRange(type);
  const six = Math.min(max, zeroPoint + roundHalfEven(6 / scale));
  const bounds: [id: string, what: string, least: number, most: number][] = [
    ['type', 'clamped to the type', min, max],
    ['relu', 'clamped at the zero point (ReLU)', zeroPoint, max],
    ['relu6', 'clamped at 0 and 6 (ReLU6)', zeroPoint, six],
    ['six', 'clamped above at 6', min, six],
    ['most-one-less', 'clamped one too low', min, max - 1],
    ['relu-most-one-less', 'clamped one too low', zeroPoint, max - 1],
    ['least-one-more', 'clamped one too high', min + 1, max],
    ['relu-least-one-more', 'clamped one above the zero point', zeroPoint + 1, max],
    ['seven-bits', 'clamped to seven bits', Math.max(min, 0), 127],
  ];
  const taken = new Set<string>();
  const clamps = bounds
    .filter(([, , least, most]) => least < most && !taken.has(`${least} ${most}`) && taken.add(`${least} ${most}`))
    .map(([id, what, least, most]) =>
      way(id, `${what}, [${least}, ${most}]`, { of: (v: number) => clamp(v, least, most) }),
    );
  const wrapped = (v: number): number => ((((v - min) % 256) + 256) % 256) + min;
  return [
    ...clamps,
    way('wrap', 'not clamped: values wrap around at 8 bits', { wraps: true, of: wrapped }),
    way('wrap-relu', 'clamped at the zero point (ReLU) only: larger values wrap around at 8 bits', {
      wraps: true,
      of: (v: number) => wrapped(Math.max(v, zeroPoint)),
    }),
  ];
}
