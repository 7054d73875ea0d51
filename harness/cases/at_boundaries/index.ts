import { findEngine } from '../../../src/engines/index.ts';
import { Random } from '../../../models/random.ts';
import { dialectOf, formOf, generateCase, type parseCaseId } from '../generate.ts';
import type { Case, Unnamed } from '../case.ts';
import { linearAtBoundaries } from './linear.ts';
import { pairAtBoundaries } from './pairs.ts';
import { poolAtBoundaries } from './pool.ts';
import { dequantizeAll, quantizeAtBoundaries } from './quantize.ts';

/** Kinds of operators, which take turns. */
export const KINDS = 12;

/** Operators placed where an engine's own function steps, which random values do not meet. */
export function generateAtBoundaries(name: string, seed: number, index: number): Case {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x27d4eb2f));
  const engine = findEngine(name);
  const linear = (): Unnamed => linearAtBoundaries(random, engine);
  const add = (): Unnamed => pairAtBoundaries(random, engine, 'Add');
  const multiply = (): Unnamed => pairAtBoundaries(random, engine, 'Mul');
  const kinds: (() => Unnamed)[] = [
    ...Array.from({ length: 6 }, () => linear),
    add,
    add,
    dialectOf(name).torch ? linear : multiply,
    () => poolAtBoundaries(random, engine),
    () => quantizeAtBoundaries(random, engine),
    ...(Math.floor(index / KINDS) % 4 === 0 ? [() => dequantizeAll(random, engine)] : [linear]),
  ];
  const made = kinds[index % KINDS]!();
  return { id: `${name}/at-boundaries/${seed}/${index}`, form: formOf(made.graph, index), ...made };
}

/** The case that an id names. */
export function caseAt({ engine, seed, index, atBoundaries }: ReturnType<typeof parseCaseId>): Case {
  return (atBoundaries ? generateAtBoundaries : generateCase)(engine, seed, index);
}
