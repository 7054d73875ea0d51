import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ResourceType, WgslReflect, type StructInfo } from 'wgsl_reflect';
import { openShader } from '../gpu/shaders.ts';
import { loadAllTexts } from '../gpu/texts/index.ts';
import { KERNELS } from './interfaces.ts';
import { useKernel } from './kernel.ts';

await loadAllTexts();

/** Kernels stand in two folders; what stands deeper is linked. */
const kernels = ['', 'software/'].flatMap((folder) =>
  readdirSync(`shaders/${folder}`)
    .filter((file) => file.endsWith('.wgsl'))
    .map((file) => file.replace('.wgsl', ''))
    .sort()
    .map((name) => {
      const { code } = openShader(name);
      return { name, code, reflected: new WgslReflect(code) };
    }),
);

const fieldsOf = (struct: StructInfo): string[] =>
  struct.members.flatMap(({ name, type }) => ('members' in type ? fieldsOf(type as StructInfo) : [name]));

/** The text of interfaces.ts: what each shader declares. */
function interfaces(): string {
  const lines = kernels.map(({ name, code, reflected }) => {
    const [operands] = reflected.getBindGroups();
    const all = (declaration: RegExp) => [...code.matchAll(declaration)].map(([, one]) => one);
    const declared = {
      operands: operands!.map((binding) => binding.name).filter((operand) => operand !== 'output'),
      geometry: fieldsOf(reflected.structs.find((struct) => struct.name === 'Geometry')!),
      overrides: all(/^override (\w+): \w+;/gm),
      counts: all(/^const (\w+) = 1u; \/\/#count$/gm),
      slots: all(/^\/\/#slot (\w+):/gm),
      constants: Object.fromEntries(
        [...code.matchAll(/^const (\w+) = (\d+)u;$/gm)].map(([, constant, value]) => [constant, Number(value)]),
      ),
    };
    return `  '${name}': ${JSON.stringify(declared)},\n`;
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
    if (code.includes('= thread_index(thread)')) expect(code).toContain('@workgroup_size(WORKGROUP_SIZE)');
  });
});
