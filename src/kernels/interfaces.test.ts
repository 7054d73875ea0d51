import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ResourceType, WgslReflect, type StructInfo } from 'wgsl_reflect';
import { linkShader } from '../gpu/shaders.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel, WORKGROUP_SIZE } from './kernel.ts';

/** Constants of the text, for kernels that have them. */
const UNROLL: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  lanes: { QUADS: 2, GROUPS: 2, INPUT_WORDS: 64, OUTPUT_WORDS: 64 },
  lanes_chunked: { QUADS: 2, INPUT_WORDS: 64, OUTPUT_WORDS: 64 },
  pointwise_tiled: { SIDE: 4 },
  add: { WORDS: 2 },
  quantize_linear: { WORDS: 2 },
  depthwise_rows: { WIDTH: 2, KERNEL_HEIGHT: 3, KERNEL_WIDTH: 3, STRIDE: 1, KEPT: 2, NEW: 1, WINDOW_WIDTH: 4 },
};

const kernels = readdirSync('shaders')
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => file.replace('.wgsl', ''))
  .sort()
  .map((name) => {
    const { code } = linkShader(name, [], UNROLL[name]);
    return { name, code, reflected: new WgslReflect(code) };
  });

const fieldsOf = (struct: StructInfo): string[] =>
  struct.members.flatMap(({ name, type }) => ('members' in type ? fieldsOf(type as StructInfo) : [name]));

/** The text of interfaces.ts: what each shader declares. */
function interfaces(): string {
  const lines = kernels.map(({ name, code, reflected }) => {
    const [operands] = reflected.getBindGroups();
    const declared = {
      operands: operands!.map((binding) => binding.name).filter((operand) => operand !== 'output'),
      geometry: fieldsOf(reflected.structs.find((struct) => struct.name === 'Geometry')!),
      overrides: [...code.matchAll(/^override (\w+): \w+;/gm)].map(([, override]) => override),
    };
    return `  ${name}: ${JSON.stringify(declared)},\n`;
  });
  return `// Made of what the shaders declare by \`npm run interfaces\`; do not edit.
export const KERNELS = {
${lines.join('')}} as const;
`;
}

it('is made of the shaders as they are: else `npm run interfaces`', async () => {
  await expect(interfaces()).toMatchFileSnapshot('./interfaces.ts');
  expect(Object.keys(KERNELS)).toEqual(kernels.map(({ name }) => name));
});

it('what a shader does not declare, and what is left out, is a type error', () => {
  const rest = { out_groups: 1 };
  // types alone are tested: nothing is asked at run time
  expect([
    useKernel('lookup', { geometry: { groups: 1, input_sign: 0 } }).kernel,
    // @ts-expect-error a field is missing
    useKernel('lookup', { geometry: { groups: 1 } }).kernel,
    // @ts-expect-error a field is too many
    useKernel('lookup', { geometry: { groups: 1, input_sign: 0, pixels: 1 } }).kernel,
    // @ts-expect-error a field is too many, and spread
    useKernel('lookup', { geometry: { groups: 1, input_sign: 0, ...rest } }).kernel,
    // @ts-expect-error an override too many
    useKernel('lookup', { geometry: { groups: 1, input_sign: 0 }, overrides: { OUTPUT_SIGN: 0 } }).kernel,
    // @ts-expect-error an override is missing
    useKernel('add_tail', { geometry: ADD_TAIL }).kernel,
    // @ts-expect-error another override
    useKernel('add_tail', { geometry: ADD_TAIL, overrides: { BROADCAST: 0 } }).kernel,
  ]).toHaveLength(7);
});
const ADD_TAIL = { groups: 1, a_sign: 0, b_sign: 0, channels: 1, channel_groups: 1, tails: 0 };

describe.each(kernels)('kernel $name', ({ code, reflected }) => {
  const groups = reflected.getBindGroups();

  it('binds operands that are read, then the output alone writable', () => {
    expect(groups[0]!.map(({ binding }) => binding)).toEqual(groups[0]!.map((_, index) => index));
    expect(groups[0]!.map(({ access }) => access)).toEqual([...groups[0]!.slice(1).map(() => 'read'), 'read_write']);
    expect(groups[0]!.at(-1)!.name).toBe('output');
    expect(groups[0]!.every(({ resourceType }) => resourceType === ResourceType.Storage)).toBe(true);
    expect(groups[1] ?? []).toEqual([]);
  });

  it('has a uniform of whole numbers, one behind the other', () => {
    const [geometry] = groups[2]!;
    expect(geometry!.resourceType).toBe(ResourceType.Uniform);
    const struct = reflected.structs.find(({ name }) => name === 'Geometry')!;
    expect(geometry!.size).toBe(fieldsOf(struct).length * 4);
  });

  it('has the entry point main, of as many threads as the grid is made for', () => {
    expect(reflected.entry.compute.map(({ name }) => name)).toEqual(['main']);
    const numbersThreads = code.includes('= thread_index(');
    if (numbersThreads) expect(code).toContain(`@workgroup_size(${WORKGROUP_SIZE})`);
    expect(code).toContain(`const WORKGROUP_SIZE = ${WORKGROUP_SIZE}u;`);
  });
});
