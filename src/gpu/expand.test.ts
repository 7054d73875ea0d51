import { describe, expect, it } from 'vitest';
import { expand, type ShaderLine } from './expand.ts';

const lines = (text: string): ShaderLine[] =>
  text.split('\n').map((line, index) => ({ text: line, file: 'a.wgsl', line: index + 1 }));
const expanded = (text: string, counts: Record<string, number> = {}): string =>
  expand(lines(text), counts)
    .map((line) => line.text)
    .join('\n');

describe('marked loops of a shader', () => {
  it('are written out, what is marked replaced', () => {
    const text = '//#for $k in 0..2\nlet w_$k = weights[at + $k * 4u];\n//#end';
    expect(expanded(text)).toBe('let w_0 = weights[at + 0 * 4u];\nlet w_1 = weights[at + 1 * 4u];');
  });

  it('nest, and take their ends by name', () => {
    const text = '//#for $q in 0..QUADS\n//#for $o in 0..2\nsum_$o += dot(x_$q, w_$q_$o);\n//#end\n//#end';
    expect(expanded(text, { QUADS: 2 }).split('\n')).toEqual([
      'sum_0 += dot(x_0, w_0_0);',
      'sum_1 += dot(x_0, w_0_1);',
      'sum_0 += dot(x_1, w_1_0);',
      'sum_1 += dot(x_1, w_1_1);',
    ]);
  });

  it('leave what is not marked alone: words, swizzles, longer names', () => {
    const text = '//#for $x in 0..1\nlet x = a.x + b_x + $x + max_x;\n//#end';
    expect(expanded(text)).toBe('let x = a.x + b_x + 0 + max_x;');
    expect(() => expanded('//#for $k in 0..1\nlet a = w_$kx;\n//#end')).toThrow('a.wgsl:2: no //#for gives $kx');
  });

  it('say where they are not closed, how often is not known, and which mark is of no loop', () => {
    expect(() => expanded('a\n//#for $k in 0..2\nb')).toThrow('a.wgsl:2: //#for without //#end');
    expect(() => expanded('a\n//#end')).toThrow('a.wgsl:2: //#end without //#for');
    expect(() => expanded('//#for $k in 0..N\n//#end')).toThrow('a.wgsl:1: nothing says how much N is');
    expect(() => expanded('let a = $k;')).toThrow('a.wgsl:1: no //#for gives $k');
  });
});
