/** Insertions, deletions and exchanges from one text to another. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1]));
    row = next;
  }
  return row[b.length]!;
}

/** Names that are shown instead of one that is not there. */
const SHOWN = 3;

/** The names that are nearest to one that is not there, for messages: `'a', 'b', 'c'`. */
export function nearestNames(name: string, names: Iterable<string>): string {
  return [...new Set(names)]
    .map((other) => ({ other, distance: distance(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SHOWN)
    .map(({ other }) => `'${other}'`)
    .join(', ');
}
