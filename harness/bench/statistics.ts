/** What a list of timings says: its middle, its ends, and how far the middle half spreads. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Between the first and the third quartile. */
  readonly spread: number;
  readonly count: number;
}

/** Linear between the two neighbours; `sorted` ascends and is not empty. */
function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

export function median(samples: readonly number[]): number {
  return summarize(samples).median;
}

/** @throws RangeError where there is nothing to summarize */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    min: sorted[0]!,
    median: quantile(sorted, 0.5),
    max: sorted.at(-1)!,
    spread: quantile(sorted, 0.75) - quantile(sorted, 0.25),
    count: sorted.length,
  };
}
