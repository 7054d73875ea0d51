// A process of the soak: reads mutants of the seeds FROM to before TO of FORMAT, or the one FILE, and says on standard
// output what became of each, a line before and a line behind it, so that whoever waits knows where it stopped.
import { readFileSync, writeSync } from 'node:fs';
import { herdOf, judge, mutantOf } from './mutants.ts';

const [name = '', from = '', to] = process.argv.slice(2);
const megabytes = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);
const say = (value: object): void => void writeSync(1, `${JSON.stringify(value)}\n`);
/** Garbage is collected after so many mutants: what grows is then not garbage. */
const COLLECT_EVERY = 50;

const herd = await herdOf(name);
const seeds = to === undefined ? [0] : Array.from({ length: Number(to) - Number(from) }, (_, i) => Number(from) + i);
for (const seed of seeds) {
  const mutant = to === undefined ? readFileSync(from) : mutantOf(herd, seed);
  say({ seed });
  const before = performance.now();
  const outcome = await judge(herd, mutant);
  say({ seed, ms: Math.round(performance.now() - before), megabytes: megabytes(), ...outcome });
  if (seed % COLLECT_EVERY === 0) globalThis.gc?.();
}
