import { readFile } from 'node:fs/promises';
import { InvalidInputError } from '../../src/errors.ts';
import type { AdapterChoice } from '../chrome/launch.ts';
import { formatCount } from '../report/format.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { writeOutput } from './files.ts';
import type { WebGpuChoice } from './options.ts';
import { table } from './output.ts';

/** A WebGPU implementation on a driver. */
export interface Column {
  readonly name: string;
  readonly webgpu: WebGpuChoice;
  readonly adapter: AdapterChoice;
}

/** What one implementation made of one row: a model, or an engine's generated cases. */
export interface Cell {
  readonly column: string;
  readonly runtime?: string;
  readonly adapter?: string;
  readonly tensors?: number;
  readonly elements?: number;
  readonly mismatches?: number;
  /** All runs gave the same bits. */
  readonly identicalRuns?: boolean;
  /** Why there is no result. */
  readonly error?: string;
  readonly exitCode?: ExitCode;
}

export interface Row {
  readonly name: string;
  readonly engine?: string;
  readonly cells: readonly Cell[];
  /** Why exact8 does not take the model. */
  readonly refused?: string;
}

/** Anything that has no result is an error of its own kind; a mismatch outweighs it. */
export function matrixExitCode(rows: readonly Row[]): ExitCode {
  const cells = rows.flatMap((row) => row.cells);
  if (cells.some(({ mismatches = 0, identicalRuns = true }) => mismatches > 0 || !identicalRuns)) return EXIT.differs;
  return cells.find(({ exitCode }) => exitCode !== undefined)?.exitCode ?? EXIT.done;
}

const HEAD = ['model', 'engine', 'tensors', 'elements'];

export function matrixTable(rows: readonly Row[], only: readonly Column[]): string {
  const names = only.map(({ name }) => name);
  const refused = rows.filter((row) => row.refused).map((row) => `${row.name} is refused: ${row.refused}`);
  const body = rows.filter((row) => !row.refused).map((row) => cellsOf(row, row.name));
  return [table([...HEAD, ...names], body, ['tensors', 'elements', ...names]), ...refused].join('\n');
}

function cellsOf({ engine = '', cells }: Row, name: string): string[] {
  const { tensors, elements } = cells.find((cell) => cell.elements !== undefined) ?? {};
  const count = (value: number | undefined): string => (value === undefined ? '' : formatCount(value));
  const shown = cells.map((cell) =>
    cell.error ? 'error' : cell.identicalRuns === false ? 'unsteady' : formatCount(cell.mismatches!),
  );
  return [name, engine, count(tensors), count(elements), ...shown];
}

const MARKS = ['<!-- matrix -->', '<!-- /matrix -->'] as const;

/**
 * Puts the table, what it was measured with and when into a file.
 *
 * @throws InvalidInputError where the file does not say where the table goes
 */
export async function writeMarkdown(
  path: string,
  rows: readonly Row[],
  only: readonly Column[],
  runs: number,
): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new InvalidInputError(`cannot read ${path}: ${error.message}`);
  });
  const [before, rest] = text.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new InvalidInputError(`${path} has no ${MARKS.join(' ... ')}`);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = [...HEAD, ...only.map(({ name }) => name)];
  const lines = [
    line(head),
    line(head.map((name) => (name === 'model' || name === 'engine' ? '---' : '---:'))),
    ...rows.filter((row) => !row.refused).map((row) => line(cellsOf(row, row.name.split('/').at(-1)!))),
    '',
    ...only.map(({ name }) => {
      const { runtime, adapter } = rows
        .flatMap((row) => row.cells)
        .find((cell) => cell.column === name && cell.runtime)!;
      return `- \`${name}\`: ${runtime}, on ${adapter}`;
    }),
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${runs} runs of each.`,
  ];
  await writeOutput(path, `${before}${MARKS[0]}\n\n${lines.join('\n')}\n\n${MARKS[1]}${after}`);
}
