import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { linkShader } from './shaders.ts';
import { FORMS } from '../requantize/prove.ts';

const text = (name: string): string => readFileSync(`shaders/${name}.wgsl`, 'utf8');

it('every form has its shader, and names one type for what stages of a fused kernel share', () => {
  const types = { parameters: 'array<vec4<i32>>', boundaries: 'array<i32>' };
  for (const { name, buffers } of FORMS) {
    expect(existsSync(`shaders/requantize/${name}.wgsl`), name).toBe(true);
    for (const buffer of buffers)
      expect(text(`requantize/${name}`), name).toContain(`var<storage, read> ${buffer}: ${types[buffer]};`);
  }
});

it('a line of linked text is traced back to its file', () => {
  const shader = linkShader('add', ['requantize/add_line'], { WORDS: 2 });
  const lines = shader.code.split('\n');
  const at = lines.findIndex((line) => line.startsWith('fn combine')) + 1;
  const own =
    text('requantize/add_line')
      .split('\n')
      .findIndex((line) => line.startsWith('fn combine')) + 1;
  expect(shader.origin(at)).toEqual({ file: 'requantize/add_line.wgsl', line: own });
  expect(shader.origin(1)).toEqual({ file: 'add.wgsl', line: 1 });
});
