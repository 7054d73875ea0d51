/** Version of every object that --json prints. */
const SCHEMA_VERSION = 1;

/** A line for people on standard error. */
export function note(message: string): void {
  clearProgress();
  process.stderr.write(`${message}\n`);
}

/** What is being done: one line on standard error that the next replaces; nothing where it is no terminal. */
export function progress(message: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${message} ...`);
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

/** What reads a result may know the engine by its former name. */
const withOldNames = <T extends object>(result: T): T | (T & { semantics: unknown }) =>
  'engine' in result ? { ...result, semantics: result.engine } : result;

/** The command's result: one JSON object, or text for people. */
export function printResult(json: boolean | undefined, result: object, text: string): void {
  clearProgress();
  process.stdout.write(
    json ? `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...withOldNames(result) })}\n` : `${text}\n`,
  );
}

/** What a failure is, for `--json` and for people. */
interface ReportedError {
  readonly name: string;
  readonly message: string;
  readonly exitCode: number;
}

/** Why there is no result: for people, and as the one JSON object where that is asked for. */
export function printError(json: boolean, error: ReportedError, text: string = error.message): void {
  note(`exact8: ${text}`);
  if (json) printErrorObject(error);
}

export function printErrorObject(error: ReportedError): void {
  process.stdout.write(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, error })}\n`);
}

/** Rows in columns; the columns that `right` names are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly string[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        right.includes(head[column]!) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

/** A column of a table, and the cell of a row; numbers are aligned to the right. */
export type Column<T> = readonly [
  head: string,
  kind: 'text' | 'number',
  cell: (row: T, index: number) => string | number | undefined,
];

/** A table of what the columns say of each row. @param more rows behind them: totals */
export function tableOf<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  ...more: readonly (readonly string[])[]
): string {
  const right = columns.flatMap(([head, kind]) => (kind === 'number' ? [head] : []));
  const cells = rows.map((row, i) => columns.map(([, , cell]) => String(cell(row, i) ?? '')));
  const heads = columns.map(([head]) => head);
  return table(heads, [...cells, ...more], right);
}
