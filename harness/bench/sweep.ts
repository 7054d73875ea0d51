import type { Summary } from './statistics.ts';

/** One size of the work. */
export interface SweepPoint {
  readonly label: string;
  readonly macs: number;
  readonly ms: Summary;
  /** Every tensor equal to the host reference's, or every image of a batch equal to the first. */
  readonly exact?: boolean;
  /** Time a multiply-add, divided by the least of any smaller point. */
  readonly againstBest?: number;
  readonly rises?: boolean;
}

export interface SweepSeries {
  readonly name: string;
  /** By growing work. */
  readonly points: readonly SweepPoint[];
}

/** Microseconds a million multiply-adds. */
export function perMac({ ms, macs }: Pick<SweepPoint, 'ms' | 'macs'>): number {
  return (1e9 * ms.median) / macs;
}

/** What a median may be above another by noise alone, on a machine that does nothing else. */
const NOISE = 1.1;

/** Says of each point whether it takes longer a multiply-add than a smaller one. */
export function judgeSeries(points: readonly SweepPoint[]): SweepPoint[] {
  let best = Infinity;
  return points.map((point) => {
    const againstBest = perMac(point) / best;
    best = Math.min(best, perMac(point));
    return Number.isFinite(againstBest) && againstBest > 0
      ? { ...point, againstBest, rises: againstBest > NOISE }
      : point;
  });
}
