import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ResourceType, WgslReflect } from 'wgsl_reflect';
import { linkShader } from './shaders.ts';
import { KERNELS, WORKGROUP_SIZE } from '../ops/kernels.ts';
import { FORMS } from '../requantize/prove.ts';

const text = (name: string): string => readFileSync(`shaders/${name}.wgsl`, 'utf8');

/** Constants of the text, for kernels that have them. */
const UNROLL: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  lanes: { QUADS: 2, GROUPS: 2, INPUT_WORDS: 64, OUTPUT_WORDS: 64 },
  lanes_chunked: { QUADS: 2, INPUT_WORDS: 64, OUTPUT_WORDS: 64 },
  pointwise_tiled: { SIDE: 4 },
  add: { WORDS: 2 },
  quantize_linear: { WORDS: 2 },
  depthwise_rows: {
    WIDTH: 2,
    KERNEL_HEIGHT: 3,
    KERNEL_WIDTH: 3,
    STRIDE: 1,
    KEPT: 2,
    NEW: 1,
    WINDOW_WIDTH: 4,
  },
};

describe.each(Object.entries(KERNELS))('kernel %s', (name, kernel) => {
  const reflected = new WgslReflect(linkShader(name, [], UNROLL[name]).code);
  const [groups] = [reflected.getBindGroups()];

  it('binds its operands in order, the output last and alone writable', () => {
    expect(groups[0]!.map((binding) => binding.name)).toEqual([...kernel.operands, 'output']);
    expect(groups[0]!.map((binding) => binding.access)).toEqual([...kernel.operands.map(() => 'read'), 'read_write']);
    expect(groups[0]!.every((binding) => binding.resourceType === ResourceType.Storage)).toBe(true);
    expect(groups[1] ?? []).toEqual([]);
  });

  it('has the fields of its geometry', () => {
    const geometry = groups[2]![0]!;
    expect(geometry.resourceType).toBe(ResourceType.Uniform);
    expect(reflected.structs.find((s) => s.name === 'Geometry')!.members.map((m) => m.name)).toEqual(kernel.geometry);
    expect(geometry.size).toBe(kernel.geometry.length * 4);
  });

  it('has the entry point main and the workgroup size that the grid is made for', () => {
    expect(reflected.entry.compute.map((f) => f.name)).toEqual(['main']);
    const [x, y, z] = kernel.workgroupSize ?? [WORKGROUP_SIZE, 1, 1];
    const declared = /@workgroup_size\(([^)]*)\)/.exec(text(name))![1]!.split(',').map(Number);
    expect([...declared, 1, 1].slice(0, 3)).toEqual([x, y, z]);
    expect(text('shared/words')).toContain(`const WORKGROUP_SIZE = ${WORKGROUP_SIZE}u;`);
  });
});

it('every shader is a kernel, or is linked behind one', () => {
  const kernels = readdirSync('shaders').filter((file) => file.endsWith('.wgsl'));
  expect(kernels.map((file) => file.replace('.wgsl', '')).sort()).toEqual(Object.keys(KERNELS).sort());
});

it('every form has its shader, and names one type for what stages of a fused kernel share', () => {
  const types = { parameters: 'array<vec4<i32>>', boundaries: 'array<i32>' };
  for (const { name, buffers } of FORMS) {
    expect(existsSync(`shaders/requantize/${name}.wgsl`), name).toBe(true);
    for (const buffer of buffers)
      expect(text(`requantize/${name}`), name).toContain(`var<storage, read> ${buffer}: ${types[buffer]};`);
  }
});

it('a line of linked text is traced back to its file', () => {
  const shader = linkShader('add', ['requantize/add_line'], UNROLL['add']);
  const lines = shader.code.split('\n');
  const at = lines.findIndex((line) => line.startsWith('fn combine')) + 1;
  const own =
    text('requantize/add_line')
      .split('\n')
      .findIndex((line) => line.startsWith('fn combine')) + 1;
  expect(shader.origin(at)).toEqual({ file: 'requantize/add_line.wgsl', line: own });
  expect(shader.origin(1)).toEqual({ file: 'add.wgsl', line: 1 });
});
