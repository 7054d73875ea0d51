import { describe, expect, it } from 'vitest';
import { expand, type ShaderLine } from './expand.ts';
import { linkShader } from './shaders.ts';

const lines = (text: string): ShaderLine[] =>
  text.split('\n').map((line, index) => ({ text: line, file: 'a.wgsl', line: index + 1 }));
const expanded = (text: string, counts: Record<string, number> = {}): string =>
  expand(lines(text), counts)
    .map((line) => line.text)
    .join('\n');

describe('marked loops of a shader', () => {
  it('are unrolled: names that end in the variable, and the variable itself', () => {
    const text = '//#for k in 0..2\nlet w_k = weights[at + k * 4u];\n//#end';
    expect(expanded(text)).toBe('let w_0 = weights[at + 0u * 4u];\nlet w_1 = weights[at + 1u * 4u];');
  });

  it('nest, and take their counts by name', () => {
    const text = '//#for q in 0..QUADS\n//#for o in 0..2\nsum_o += dot(x_q, w_q_o);\n//#end\n//#end';
    expect(expanded(text, { QUADS: 2 }).split('\n')).toEqual([
      'sum_0 += dot(x_0, w_0_0);',
      'sum_1 += dot(x_0, w_0_1);',
      'sum_0 += dot(x_1, w_1_0);',
      'sum_1 += dot(x_1, w_1_1);',
    ]);
  });

  it('leave other names alone', () => {
    expect(expanded('//#for k in 0..1\nlet kernel_key = mask[k] + w_kx;\n//#end')).toBe(
      'let kernel_key = mask[0u] + w_kx;',
    );
  });

  it('say where they are not closed, or how often is not known', () => {
    expect(() => expanded('a\n//#for k in 0..2\nb')).toThrow('a.wgsl:2: //#for without //#end');
    expect(() => expanded('a\n//#end')).toThrow('a.wgsl:2: //#end without //#for');
    expect(() => expanded('//#for k in 0..N\n//#end')).toThrow('a.wgsl:1: nothing says how much N is');
  });

  it('keep each line’s place in its file; directives come first', () => {
    const shader = linkShader('lanes', ['shared/lanes_subgroup'], { QUADS: 3, GROUPS: 1 });
    const text = shader.code.split('\n');
    expect(text[0]).toBe('enable subgroups;');
    expect(shader.origin(1).file).toBe('shared/lanes_subgroup.wgsl');
    const places = text.flatMap((line, i) => (line.includes('let place_') ? [shader.origin(i + 1).line] : []));
    expect(places).toHaveLength(3);
    expect(new Set(places).size).toBe(1);
  });
});
