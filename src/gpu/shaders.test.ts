import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Exact8Error } from '../errors.ts';
import { KERNELS } from '../kernels/interfaces.ts';
import { onDemand } from '../on_demand.ts';
import { FORMS } from '../requantize/prove.ts';
import { linkShader, openShader, type ShaderKey } from './shaders.ts';
import { loadAllTexts } from './texts/index.ts';

await loadAllTexts();

const text = (name: string): string => readFileSync(`shaders/${name}.wgsl`, 'utf8');

/** The line of a file that begins so, 1-based. */
const lineOf = (lines: readonly string[], start: string): number =>
  lines.findIndex((line) => line.startsWith(start)) + 1;

const POINTWISE: ShaderKey = {
  kernel: 'pointwise',
  slots: { output: 'output/codes', form: 'requantize/two_limbs', dot: 'dot/packed' },
};
const withSlots = (slots: Record<string, string>): ShaderKey => ({
  kernel: 'pointwise',
  slots: { ...POINTWISE.slots, ...slots },
});

describe('a kernel and what it is linked with', () => {
  it('is one text: what it imports once, and what is in its slots', () => {
    const { code, bindings } = linkShader(POINTWISE);
    for (const name of ['main', 'thread_index', 'dot4', 'emit', 'requantize', 'pack_codes'])
      expect(code.split(`fn ${name}(`), name).toHaveLength(2);
    expect(bindings).toEqual(['parameters']);
    expect(code).toContain('@group(1) @binding(0) var<storage, read> parameters: array<vec4<i32>>;');
  });

  it('a slot that is not filled is an error that names the file and line', () => {
    const { dot: _, ...slots } = POINTWISE.slots;
    const line = lineOf(text('shared/dot_products').split('\n'), '//#slot dot');
    expect(() => linkShader({ kernel: 'pointwise', slots })).toThrow(
      `shared/dot_products.wgsl:${line}: nothing fills the slot 'dot'`,
    );
  });

  it('a slot that is filled and not declared is one, in the kernel or in what fills its slots', () => {
    expect(() => linkShader(withSlots({ source: 'input/bytes' }))).toThrow(
      "pointwise.wgsl: 'source' is filled, and no line declares it",
    );
    expect(() => linkShader(withSlots({ output: 'output/accumulators' }))).toThrow(
      "pointwise.wgsl: 'form' is filled, and no line declares it",
    );
  });

  it('a slot takes modules of its folder alone, that have what it is for', () => {
    expect(() => linkShader(withSlots({ dot: 'shared/codes' }))).toThrow("'shared/codes' is not of dot/");
    expect(() => linkShader(withSlots({ form: 'requantize/add_line' }))).toThrow(
      /output\/codes.wgsl:\d+: 'requantize\/add_line' has no requantize/,
    );
    expect(() => linkShader(withSlots({ dot: 'dot/none' }))).toThrow("there is no shader 'dot/none'");
  });

  it('counts likewise: those that are declared, and no other', () => {
    const tiled: ShaderKey = { ...POINTWISE, kernel: 'pointwise_tiled' };
    expect(linkShader({ ...tiled, counts: { SIDE: 4 } }).code).toContain('const SIDE = 4u;');
    expect(() => linkShader(tiled)).toThrow(/pointwise_tiled.wgsl:\d+: nothing says how much SIDE is/);
    expect(() => linkShader({ ...POINTWISE, counts: { SIDE: 4 } })).toThrow("pointwise.wgsl: 'SIDE' is filled");
  });

  it('directives come first, and each line is traced back to its file', () => {
    const shader = linkShader({
      kernel: 'lanes',
      slots: {
        source: 'software/input/pixel',
        words: 'software/words/subgroup',
        zero: 'software/zero/known',
        seen: 'software/seen/nothing',
        output: 'output/codes',
        form: 'requantize/search',
      },
      counts: { QUADS: 3, GROUPS: 1, INPUT_WORDS: 64, OUTPUT_WORDS: 64 },
    });
    const lines = shader.code.split('\n');
    expect(lines[0]).toBe('enable subgroups;');
    expect(shader.origin(1).file).toBe('software/words/subgroup.wgsl');
    const places = lines.flatMap((line, i) => (line.includes('let place_') ? [shader.origin(i + 1).line] : []));
    expect(places).toHaveLength(3);
    expect(new Set(places).size).toBe(1);
    expect(shader.origin(lineOf(lines, 'fn requantize'))).toEqual({
      file: 'requantize/search.wgsl',
      line: lineOf(text('requantize/search').split('\n'), 'fn requantize'),
    });
  });
});

describe('forms of several stages of a kernel', () => {
  const key = {
    kernel: 'inverted_residual',
    slots: {
      output: 'output/codes',
      form: 'requantize/corrected_guess',
      first: 'block/expand',
      expand: 'requantize/checked_line',
      depthwise: 'requantize/corrected_guess',
      source: 'input/bytes',
      dot: 'dot/packed',
    },
    counts: { EXCEPTIONS_expand: 1 },
  };
  const { code, bindings, origin } = linkShader(key);
  const lines = code.split('\n');

  it('have names of their own, and buffers in common that each reads from a place of its own', () => {
    expect(bindings).toEqual(['parameters', 'boundaries']);
    expect(code.match(/var<storage, read> parameters/g)).toHaveLength(1);
    for (const name of ['requantize', 'requantize_expand', 'requantize_depthwise'])
      expect(code.split(`fn ${name}(`)).toHaveLength(2);
    expect(code).toContain('override FIRST_BOUNDARY_depthwise: u32 = 0u;');
    expect(code).toContain('let at = FIRST_PARAMETER_depthwise + group * 6u;');
    expect(code).toContain('const EXCEPTIONS_expand = 1u;');
    expect(code).not.toContain('EXCEPTIONS;');
  });

  it('have their buffers in the order of the slots, whatever the order of the text is', () => {
    const { output: _, form, ...stages } = key.slots;
    const ordered = linkShader({
      ...key,
      slots: { output: 'output/sums', form, ...stages, combine: 'requantize/add_line' },
    });
    expect(ordered.bindings).toEqual(['other', 'parameters', 'boundaries', 'add_parameters']);
    const late = { ...stages, first: 'block/unexpanded', depthwise: 'requantize/two_limbs', source: 'input/floats' };
    const { expand: __, ...slots } = late;
    const kernel = {
      kernel: key.kernel,
      slots: {
        output: 'output/sums',
        form: 'requantize/two_limbs',
        ...slots,
        input: 'requantize/float_guess',
        combine: 'requantize/add_table',
      },
    };
    const { code, bindings } = linkShader(kernel);
    expect(bindings).toEqual(['other', 'parameters', 'boundaries', 'add_codes']);
    for (const [index, name] of bindings.entries())
      expect(code).toContain(`@group(1) @binding(${index}) var<storage, read> ${name}:`);
  });

  it('keep their lines', () => {
    const own = lineOf(text('requantize/checked_line').split('\n'), 'fn requantize');
    expect(origin(lineOf(lines, 'fn requantize_expand'))).toEqual({ file: 'requantize/checked_line.wgsl', line: own });
  });

  it('leave fields and locals of other names alone', () => {
    const form = lines.slice(lineOf(lines, 'struct Form_expand') - 1);
    expect(form.slice(0, 3)).toEqual(['struct Form_expand {', '  least: vec4<f32>,', '  most: vec4<f32>,']);
  });
});

it('every shader is a kernel, or is imported, or fits a slot', () => {
  const files = readdirSync('shaders', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.wgsl'))
    .map((file) => file.replace('.wgsl', ''));
  const texts = files.map(text).join('\n');
  const imported = [...texts.matchAll(/^\/\/#import (.*)$/gm)].map(([, file]) => file!);
  const folders = [...texts.matchAll(/^\/\/#slot \w+: (\S+)\//gm)].map(([, folder]) => folder!);
  const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/'));
  const known = [...Object.keys(KERNELS).flatMap((name) => [name, `software/${name}`]), ...imported];
  expect(files.filter((file) => !known.includes(file) && !folders.includes(folderOf(file)))).toEqual([]);
  expect(imported.filter((file) => !files.includes(file))).toEqual([]);
  for (const file of files) expect(text(file).match(/^\/\/#(?!(import|slot|count|for|end)\b)/m), file).toBeNull();
});

it('every form has its shader, and names one type for what stages of a fused kernel share', () => {
  const types = { parameters: 'array<vec4<i32>>', boundaries: 'array<i32>' };
  for (const { name, buffers } of FORMS) {
    expect(existsSync(`shaders/requantize/${name}.wgsl`), name).toBe(true);
    expect([...text(`requantize/${name}`).matchAll(/^@group\(1\).* (\w+: .*);$/gm)].map(([, one]) => one)).toEqual(
      buffers.map((buffer) => `${buffer}: ${types[buffer]}`),
    );
  }
});

it('a kernel with its slots open has what it imports', () => {
  const { code } = openShader('pointwise_tiled');
  expect(code).toContain('fn dot4_each(');
  expect(code).not.toContain('fn dot4(');
  expect(code).toContain('const SIDE = 1u;');
});

describe('texts that are imported on demand', () => {
  const all = readdirSync('shaders', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.wgsl'))
    .map((entry) => join(entry.parentPath, entry.name).slice('shaders/'.length, -'.wgsl'.length));
  /** As a page has them that asked for nothing yet. */
  const fresh = async () => {
    vi.resetModules();
    return await import('./texts/index.ts');
  };

  it.each(all.filter((name) => !name.startsWith('shared/')))('%s comes with all that it imports', async (name) => {
    const { loadTexts, textOf } = await fresh();
    // a pipeline names kernels and modules; kernels of the folder software/ without it
    await loadTexts([name.replace(/^software\/(\w+)$/, '$1')]);
    const imported = (one: string): string[] =>
      [...textOf(one)!.matchAll(/^\/\/#import ([\w/]+)$/gm)].map(([, other]) => other!);
    const reached = new Set([name]);
    for (const one of reached) {
      expect(textOf(one), one).toBe(readFileSync(`shaders/${one}.wgsl`, 'utf8'));
      for (const other of imported(one)) reached.add(other);
    }
  });

  it('each is of one group', async () => {
    const groups = ['usual', 'software', 'pictures', 'seldom'].map(
      async (group) => (await import(`./texts/${group}.ts`)) as { TEXTS: object },
    );
    const listed = (await Promise.all(groups)).flatMap(({ TEXTS }) => Object.keys(TEXTS));
    expect(listed.map((path) => /shaders\/(.*)\.wgsl/.exec(path)![1]).sort()).toEqual(all.sort());
  });

  it('a file that is not to be had is an error that names it, and asked for again', async () => {
    const load = vi.fn<() => Promise<number>>().mockRejectedValueOnce(new TypeError('Failed to fetch: /a.js'));
    await expect(onDemand('shaders', load)).rejects.toThrow(
      new Exact8Error('shaders: a file of the library is not to be had: TypeError: Failed to fetch: /a.js'),
    );
    await expect(onDemand('shaders', load.mockResolvedValue(1))).resolves.toBe(1);
  });
});
