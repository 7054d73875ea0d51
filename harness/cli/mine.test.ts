import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINES } from '../../src/engines/index.ts';
import { EVERY_PROCESSOR, PROCESSORS, RUNTIMES } from '../../src/engines/origin.ts';
import { engineOn, RUNTIME_NAMES } from './mine.ts';
import { processorOf } from './processor.ts';

describe('which engine is mine', () => {
  it('each engine is some runtime on some processor, and a runtime on a processor is one engine', () => {
    const places = ENGINES.flatMap(({ name, origins = [] }) => {
      expect(origins, name).not.toEqual([]);
      return origins.flatMap(({ runtime, processors }) => processors.map((processor) => `${runtime} on ${processor}`));
    });
    expect(new Set(places).size).toBe(places.length);
  });

  it.each([
    ['x64', 'avx avx2 avx512f avx512_vnni', 'x64-avx512-vnni'],
    ['x64', 'avx avx2 avx_vnni avx512_vnni', 'x64-avx512-vnni'],
    ['x64', 'avx avx2 avx_vnni', 'x64-avx-vnni'],
    ['x64', 'avx avx2 avx512f', 'x64-avx512'],
    ['x64', 'avx avx2', 'x64'],
    ['arm64', 'fp asimd asimddp', 'arm64-dot'],
    ['arm64', 'fp asimd', 'arm64'],
    ['arm64', '', undefined],
    ['riscv64', 'v', undefined],
  ])('%s with "%s" is %s', (arch, words, processor) => {
    const features = { arch, words: new Set(words.split(' ').filter(Boolean)), source: 'a test' };
    expect(processorOf(features).processor).toBe(processor);
  });

  it('is the table of docs/engines.md', () => {
    const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    const cell = (name: string | undefined): string => (name === undefined ? '-' : `\`${name}\``);
    const rows = RUNTIME_NAMES.map((runtime) =>
      row([RUNTIMES[runtime], ...EVERY_PROCESSOR.map((processor) => cell(engineOn(runtime, processor)))]),
    );
    const text = readFileSync('docs/engines.md', 'utf8').replaceAll(/ +\|/g, ' |');
    for (const line of rows) expect(text).toContain(line);
    for (const description of Object.values(PROCESSORS)) expect(text).toContain(description);
  });

  it('is the drawing of docs/engines.md', () => {
    const drawn = [...readFileSync('docs/engines.svg', 'utf8').matchAll(/class="engine"[^>]*>([^<]+)</g)].map(
      ([, name]) => name,
    );
    expect(new Set(drawn)).toEqual(new Set(ENGINES.map(({ name }) => name)));
  });
});
