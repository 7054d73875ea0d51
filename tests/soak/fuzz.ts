import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FORMATS } from './formats/index.ts';
import { herdOf, mutantOf } from './mutants.ts';
import { spliced } from './format.ts';

export interface FuzzOptions {
  readonly count: number;
  readonly minutes: number;
  readonly seed: number;
  /** Only this one. */
  readonly format?: string;
  /** Where findings are written. */
  readonly folder: string;
}

export interface Finding {
  readonly format: string;
  readonly seed: number;
  readonly what: string;
  /** The smallest mutant that was found to do the same. */
  readonly file: string;
}

export interface Figures {
  mutants: number;
  readonly results: Record<string, number>;
  readonly findings: Finding[];
  seconds: number;
  slowestMs: number;
  largestMegabytes: number;
}

const MOST_MS = 5_000;
const MOST_MEGABYTES = 1_024;
/** Of the JavaScript heap; arrays' bytes are outside of it, and watched. */
const HEAP = `--max-old-space-size=${MOST_MEGABYTES}`;
/** Mutants of one process. */
const PER_CHILD = 2_000;
const WATCH_MS = 200;

interface Line {
  readonly seed: number;
  readonly ms?: number;
  readonly megabytes?: number;
  readonly result?: string;
  readonly finding?: string;
}

function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended, or this is no Linux: then what it says itself is all that is known
  }
}

/** Runs a child over its mutants; the last line that it gave, and why it was ended, if it was. */
async function runChild(
  args: readonly string[],
  take: (line: Line) => boolean,
): Promise<{ open: number | undefined; why: string | undefined }> {
  const child = spawn(process.execPath, [HEAP, '--expose-gc', '--import', 'tsx', 'tests/soak/child.ts', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let open: number | undefined;
  let since = 0;
  let why: string | undefined;
  const end = (reason: string): void => {
    why ??= reason;
    child.kill('SIGKILL');
  };
  const watch = setInterval(() => {
    if (open === undefined) return;
    if (Date.now() - since > MOST_MS) end(`not done after ${MOST_MS} ms`);
    const megabytes = residentMegabytes(child.pid!);
    if (megabytes > MOST_MEGABYTES) end(`${Math.round(megabytes)} MiB of memory`);
  }, WATCH_MS);
  const closed = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `the process ended (${signal ?? code})`));
  });
  let enough = false;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    open = line.result === undefined ? line.seed : undefined;
    since = Date.now();
    if (line.result === undefined || enough) continue;
    enough = !take(line);
    if (enough) child.kill('SIGKILL');
  }
  const died = await closed;
  clearInterval(watch);
  if (open !== undefined && !enough) why ??= died;
  return { open, why };
}

/** What becomes of one file in a process of its own. */
async function judgeAlone(format: string, path: string): Promise<string | undefined> {
  let line: Line | undefined;
  const { why } = await runChild([format, path], (one) => ((line = one), true));
  return why ?? line?.finding;
}

/** Kinds of findings: numbers and places may differ. */
const kindOf = (what: string): string => what.replace(/\d+/g, '0').slice(0, 80);

const MOST_TRIES = 40;

/** Leaves out ever smaller parts, as long as the finding is of the same kind. */
async function minimise(format: string, bytes: Uint8Array, what: string, path: string): Promise<Uint8Array> {
  let tries = 0;
  for (let part = Math.ceil(bytes.length / 2); part >= 1 && tries < MOST_TRIES; part = Math.floor(part / 2))
    for (let at = 0; at < bytes.length && tries < MOST_TRIES; tries++) {
      const smaller = spliced(bytes, at, Math.min(bytes.length, at + part), new Uint8Array(0));
      writeFileSync(path, smaller);
      const found = await judgeAlone(format, path);
      if (found !== undefined && kindOf(found) === kindOf(what)) bytes = smaller;
      else at += part;
    }
  writeFileSync(path, bytes);
  return bytes;
}

/** A finding counts where it is found again in a process of its own: memory may be another mutant's garbage. */
async function confirm(format: string, seed: number, folder: string): Promise<Finding | undefined> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${format}-${seed}`);
  const mutant = mutantOf(await herdOf(format), seed);
  writeFileSync(file, mutant);
  const what = await judgeAlone(format, file);
  if (what === undefined) {
    rmSync(file);
    return undefined;
  }
  await minimise(format, mutant, what, file);
  return { format, seed, what, file };
}

/** Mutants of every format, each in its share, in processes that may neither hang nor grow. */
export async function fuzz(options: FuzzOptions, report: (finding: Finding) => void): Promise<Figures> {
  const formats = FORMATS.filter(([{ name }]) => options.format === undefined || name === options.format);
  const shares = formats.reduce((sum, [, share]) => sum + share, 0);
  const figures: Figures = {
    mutants: 0,
    results: {},
    findings: [],
    seconds: 0,
    slowestMs: 0,
    largestMegabytes: 0,
  };
  const started = Date.now();
  const isOver = (): boolean => Date.now() - started > options.minutes * 60_000;
  const kinds = new Set<string>();
  const take = ({ ms = 0, megabytes = 0, result = '' }: Line): boolean => {
    figures.mutants++;
    figures.results[result] = (figures.results[result] ?? 0) + 1;
    figures.slowestMs = Math.max(figures.slowestMs, ms);
    figures.largestMegabytes = Math.max(figures.largestMegabytes, megabytes);
    return !isOver();
  };
  for (const [{ name }, share] of formats) {
    const end = options.seed + Math.round((options.count * share) / shares);
    for (let from = options.seed; from < end && !isOver();) {
      const to = Math.min(end, from + PER_CHILD);
      const suspects: number[] = [];
      const { open, why } = await runChild([name, String(from), String(to)], (line) => {
        if (line.finding !== undefined || line.ms! > MOST_MS) suspects.push(line.seed);
        return take(line);
      });
      if (open !== undefined && why !== undefined) {
        figures.mutants++;
        suspects.push(open);
      }
      from = open !== undefined && why !== undefined ? open + 1 : to;
      for (const seed of suspects) {
        const found = await confirm(name, seed, options.folder);
        if (!found || kinds.has(`${name} ${kindOf(found.what)}`)) continue;
        kinds.add(`${name} ${kindOf(found.what)}`);
        figures.findings.push(found);
        report(found);
      }
    }
  }
  figures.seconds = (Date.now() - started) / 1000;
  return figures;
}
