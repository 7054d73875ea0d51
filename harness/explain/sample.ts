import type { ElementData } from '../../src/graph/graph.ts';
import { Random } from '../../models/random.ts';

/** Elements to try implementations on before all are looked at. */
export interface Sample {
  /** The most telling first: differing elements of many channels, then equal ones. */
  readonly elements: number[];
  /** Elements of a few channels, for what has to hold within one. */
  readonly groups: readonly (readonly number[])[];
  /** Drawn evenly from the whole layer: for counting. */
  readonly even: readonly number[];
}

const SEED = 1;
/** Differing elements, equal ones, and of both those at the ends of the range. */
const EACH = 200;
const GROUPS = 16;
const PER_GROUP = 40;
const EVEN = 600;

/** Up to `count` different entries of a list, drawn at random; in random order. */
function draw(list: readonly number[], count: number, random: Random): number[] {
  const at = new Set<number>();
  if (count * 2 < list.length) while (at.size < count) at.add(random.integer(0, list.length - 1));
  else {
    const order = Array.from(list, (_, i) => ({ i, key: random.unit() })).sort((a, b) => a.key - b.key);
    for (const { i } of order.slice(0, count)) at.add(i);
  }
  return Array.from(at, (i) => list[i]!);
}

/**
 * Draws a sample of the elements of a layer: what differs and what does not; values inside the range tell more than
 * clamped ones.
 */
export function drawSample(expected: ElementData, theirs: ElementData, groupSize: number): Sample {
  const random = new Random(SEED);
  let [least, most] = [Infinity, -Infinity];
  for (const v of theirs as Uint8Array) {
    least = Math.min(least, v);
    most = Math.max(most, v);
  }
  const differing: number[] = [];
  const differingAtEnds: number[] = [];
  const equal: number[] = [];
  const equalAtEnds: number[] = [];
  for (let i = 0; i < theirs.length; i++) {
    const value = theirs[i] as number;
    const inside = value > least && value < most;
    if (value === expected[i]) (inside ? equal : equalAtEnds).push(i);
    else (inside ? differing : differingAtEnds).push(i);
  }
  return {
    // of each kind in turn: most implementations fail at the first few
    elements: interleave([differing, equal, differingAtEnds, equalAtEnds].map((list) => draw(list, EACH, random))),
    groups: drawGroups(expected, theirs, groupSize, random),
    even: Array.from({ length: EVEN }, () => random.integer(0, theirs.length - 1)),
  };
}

function interleave(lists: readonly (readonly number[])[]): number[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}

function drawGroups(expected: ElementData, theirs: ElementData, groupSize: number, random: Random): number[][] {
  const groups = theirs.length / groupSize;
  const mismatches = new Float64Array(groups);
  for (let i = 0; i < theirs.length; i++) if (theirs[i] !== expected[i]) mismatches[Math.floor(i / groupSize)]!++;
  const most = [...mismatches.keys()].sort((a, b) => mismatches[b]! - mismatches[a]!);
  const chosen = new Set([...most.slice(0, GROUPS / 2), ...draw(most, GROUPS / 2, random)]);
  return [...chosen].map((group) => {
    const all = Array.from({ length: groupSize }, (_, i) => group * groupSize + i);
    const differing = all.filter((i) => theirs[i] !== expected[i]);
    const values = new Map<number, number>();
    for (const i of draw(all, all.length, random))
      if (!values.has(theirs[i] as number)) values.set(theirs[i] as number, i);
    return [
      ...new Set([
        ...interleave([draw(differing, PER_GROUP, random), [...values.values()].slice(0, PER_GROUP / 2)]),
        ...draw(all, PER_GROUP / 4, random),
      ]),
    ];
  });
}
