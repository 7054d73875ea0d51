import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENGINES } from '../src/engines/index.ts';
import { KNOWN_OPERATORS } from '../src/formats/onnx/operators.ts';

const SOURCES = ['src', 'harness'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map(({ parentPath, name }) => join(parentPath, name)),
);

/** Lines of code, and not of comments or of texts in double quotes, that have one of some names as a string. */
function naming(names: readonly string[], isOf: (file: string) => boolean): string[] {
  const quoted = new RegExp(`'(${names.join('|')})'|(startsWith|includes)\\('(${names.join('|')})`);
  return SOURCES.filter(isOf).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => quoted.test(line.replaceAll(/"[^"]*"|\/\/.*|^\s*\/?\*.*/g, '')))
      .map((line) => `${file}: ${line.trim()}`),
  );
}

const within =
  (...folders: readonly string[]) =>
  (file: string): boolean =>
    folders.some((folder) => file.startsWith(folder));

describe('nobody asks for the name', () => {
  it('of an engine, but its file, the table, formats (which engine a file is for) and what runs the engine itself', () => {
    const own = within('src/engines/', 'src/formats/', 'src/tflite.ts', 'src/onnxruntime.ts', 'harness/oracles/');
    const found = naming(
      ENGINES.map(({ name }) => name),
      (file) => !own(file),
    );
    // 'onnxruntime' is the name of an oracle, too, and of a family
    expect(found.filter((line) => !/against|oracle|\.family ===/i.test(line))).toEqual([]);
    expect(SOURCES.length).toBeGreaterThan(200);
  });

  const operators = [...KNOWN_OPERATORS, 'Table', 'PairTable'];

  it('of an operator, behind the layers', () => {
    const behind = within(
      'src/requantize/',
      'src/join/',
      'src/kernels/',
      'src/plan/',
      'src/gpu/',
      'src/session/session.ts',
    );
    expect(naming(operators, behind)).toEqual([]);
  });

  it('of an operator, where layers are explained, described, compared and shown', () => {
    const folders = ['explain', 'vectors', 'compare', 'report', 'page', 'cli', 'worker', 'tune', 'cost'];
    // 'Shape' is the head of a column, too
    const others = operators.filter((name) => name !== 'Shape');
    expect(naming(others, within(...folders.map((folder) => `harness/${folder}/`)))).toEqual([]);
  });
});
