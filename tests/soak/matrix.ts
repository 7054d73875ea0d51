import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { randomFeeds } from '../../harness/cli/generated_inputs.ts';
import { traceToNpz } from '../../harness/numpy/trace_npz.ts';
import type { NpyArray } from '../../harness/numpy/npy.ts';
import { writeNpz } from '../../harness/numpy/npz.ts';
import { defaultModel } from '../../models/index.ts';
import { UnsupportedModelError } from '../../src/errors.ts';
import { readModel } from '../../src/formats/index.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { referenceTrace } from '../../src/plan/reference.ts';

/** Models and generated cases on every WebGPU: each tensor compared with the host reference by the command itself. */
export interface MatrixOptions {
  /** Model files; `default` is the built-in one. */
  readonly models: readonly string[];
  /** Each an implementation and an adapter: deno+llvmpipe. */
  readonly only: readonly string[];
  /** Whose cases are generated. */
  readonly engines: readonly string[];
  /** Generated cases of each engine. */
  readonly cases: number;
  readonly markdown?: string;
}

/** What one implementation made of one row: a model, or an engine's generated cases. */
interface Cell {
  readonly adapter?: string;
  readonly tensors?: number;
  readonly elements?: number;
  readonly mismatches?: number;
  readonly exitCode: number;
}

interface Row {
  readonly name: string;
  readonly engine: string;
  readonly cells: readonly Cell[];
}

const RUNS = 2;
const SEED = 1;

/** @returns the first exit code that is not 0, where there is one */
export async function matrix({ models, only, engines, cases, markdown }: MatrixOptions): Promise<number> {
  const rows: Row[] = [];
  const refused: string[] = [];
  for (const path of models)
    try {
      rows.push(await modelRow(path, only));
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      refused.push(`${path} is refused: ${error.message}`);
    }
  if (cases > 0)
    for (const name of engines) {
      const args = ['cases', '--engine', name, '--seed', String(SEED), '--count', String(cases)];
      rows.push({ name: `${cases} generated cases`, engine: name, cells: await cellsOf(only, args) });
    }
  const table = describe(rows, only);
  console.log([table, ...refused].join('\n'));
  if (markdown !== undefined) replaceTable(markdown, table);
  const codes = rows.flatMap((row) => row.cells.map(({ exitCode }) => exitCode));
  return codes.includes(1) ? 1 : Math.max(0, ...codes);
}

async function modelRow(path: string, only: readonly string[]): Promise<Row> {
  const plan = createPlan(readModel(path === 'default' ? await defaultModel() : readFileSync(path)));
  const feeds = randomFeeds(plan, SEED);
  const folder = mkdtempSync(join(tmpdir(), 'exact8-matrix-'));
  try {
    const [input, trace] = ['input.npz', 'trace.npz'].map((name) => join(folder, name)) as [string, string];
    const arrays = Object.entries(feeds).map(([name, { dims, data }]): [string, NpyArray] => [
      name,
      { shape: dims, data: data as NpyArray['data'] },
    ]);
    writeFileSync(input, writeNpz(arrays));
    writeFileSync(trace, traceToNpz(referenceTrace(plan, feeds), {}));
    const model = path === 'default' ? [] : ['--model', path];
    const args = ['verify', ...model, '--input', input, '--against', trace, '--runs', String(RUNS)];
    return { name: basename(path), engine: plan.engine.name, cells: await cellsOf(only, args) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A command of its own for each cell: none inherits what another left behind. */
async function cellsOf(only: readonly string[], args: readonly string[]): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const column of only) {
    const [webgpu, adapter] = column.split('+') as [string, string];
    const command = ['dist/cli/main.js', ...args, '--webgpu', webgpu, '--adapter', adapter, '--json'];
    const { code, stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1 << 28 }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout, stderr }) => {
        console.error(`${column}: exact8 ${args.join(' ')}: ${stderr}`);
        return { code: Number(code), stdout: String(stdout) };
      },
    );
    const result = stdout === '' ? {} : JSON.parse(stdout);
    cells.push({
      exitCode: code,
      adapter: result.adapter,
      tensors: result.tensors?.length,
      elements: result.elements,
      mismatches: result.mismatches ?? result.mismatchesGpu,
    });
  }
  return cells;
}

function describe(rows: readonly Row[], only: readonly string[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const count = (value: number | undefined): string => value?.toLocaleString('en-US') ?? '';
  return [
    line(['model', 'engine', 'tensors', 'elements', ...only]),
    line(['---', '---', '---:', '---:', ...only.map(() => '---:')]),
    ...rows.map(({ name, engine, cells }) => {
      const { tensors, elements } = cells.find((cell) => cell.elements !== undefined) ?? {};
      const shown = cells.map(({ exitCode, mismatches }) =>
        mismatches === undefined
          ? `exit ${exitCode}`
          : exitCode === 1 && mismatches === 0
            ? 'unsteady'
            : count(mismatches),
      );
      return line([name, engine, count(tensors), count(elements), ...shown]);
    }),
    '',
    ...only.map(
      (column, i) => `- \`${column}\`: ${rows.map(({ cells }) => cells[i]!.adapter).find(Boolean) ?? 'no result'}`,
    ),
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${RUNS} runs of each.`,
  ].join('\n');
}

const MARKS = ['<!-- matrix -->', '<!-- /matrix -->'] as const;

/** Puts the table into a file, between its matrix comments. */
function replaceTable(path: string, table: string): void {
  const [before, rest] = readFileSync(path, 'utf8').split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new Error(`${path} has no ${MARKS.join(' ... ')}`);
  writeFileSync(path, `${before}${MARKS[0]}\n\n${table}\n\n${MARKS[1]}${after}`);
}
