import type { Roof } from './measure/roof.ts';

/** What a layer's time is bound by: arithmetic, memory, or the dispatch itself. */
export type Bound = 'compute' | 'memory' | 'dispatch';

export interface RooflinePoint {
  /** 10^9 multiply-adds a second. */
  readonly gmacs: number;
  /** 10^9 bytes a second. */
  readonly gbytes: number;
  /** Multiply-adds a byte moved. */
  readonly intensity: number;
  /** Of what the adapter can reach at this intensity: 1 is on the roof. */
  readonly roofShare: number;
  /** Which of the three would take longest at the adapter's best. */
  readonly bound: Bound;
}

/** Where work that took `ms` lies under the roof. */
export function placeUnderRoof(
  { macs, bytes, ms }: { readonly macs: number; readonly bytes: number; readonly ms: number },
  roof: Pick<Roof, 'gmacs' | 'gbytes' | 'dispatchMs'>,
): RooflinePoint {
  const computeMs = macs / roof.gmacs / 1e6;
  const memoryMs = bytes / roof.gbytes / 1e6;
  const least = Math.max(computeMs, memoryMs);
  return {
    gmacs: macs / ms / 1e6,
    gbytes: bytes / ms / 1e6,
    intensity: macs / bytes,
    roofShare: least / ms,
    bound: roof.dispatchMs > least ? 'dispatch' : computeMs > memoryMs ? 'compute' : 'memory',
  };
}
