import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KERNELS } from '../src/kernels/interfaces.ts';

/** Imports run one way, left to right. Files of src/ itself stand where their name says. */
const ORDER = [
  'src/errors.ts',
  'src/on_demand.ts',
  'src/kind_of.ts',
  'src/graph',
  'src/pictures',
  'src/tensor.ts',
  'src/recipes.ts',
  'src/classes.ts',
  'src/feeds.ts',
  'src/trace.ts',
  'src/formats',
  'src/engines',
  'src/rewrite',
  'src/requantize',
  'src/layers',
  'src/join',
  'src/kernels',
  'src/plan',
  'src/gpu',
  'src/session',
  'src/onnx.ts',
  'src/tflite.ts',
  'src/torch.ts',
  'src/index.ts',
  'src/onnxruntime.ts',
  'models',
  'harness',
  'models/tools',
  'e2e',
];
/** The last layer that runs anywhere, without a GPU. */
const PURE = ORDER.indexOf('src/plan');

function files(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending) && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The last entry that fits: models/tools is not models. */
const layer = (file: string): number => ORDER.findLastIndex((name) => file === name || file.startsWith(`${name}/`));

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)].map((match) =>
    normalize(join(dirname(file), match[1]!)),
  );
}

describe('imports run one way', () => {
  const sources = ['src', 'models', 'harness', 'e2e'].flatMap((folder) => files(folder, '.ts'));
  it('every file has a place', () => {
    expect(sources.filter((file) => layer(file) < 0)).toEqual([]);
    expect(sources.length).toBeGreaterThan(50);
  });
  it('left never imports right', () => {
    const wrong = sources.flatMap((file) =>
      imports(file)
        .filter((target) => target.endsWith('.ts') && layer(target) > layer(file))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
  it('no file imports itself by way of others, types included', () => {
    const waiting = new Map(sources.map((file) => [file, imports(file).filter((target) => target.endsWith('.ts'))]));
    // what imports only files that are done is done; what is left is a circle, or needs one
    for (let before = -1; before !== waiting.size;) {
      before = waiting.size;
      for (const [file, targets] of waiting) if (!targets.some((target) => waiting.has(target))) waiting.delete(file);
    }
    expect([...waiting.keys()]).toEqual([]);
  });
});

describe('the library', () => {
  const library = files('src', '.ts');
  it('imports nothing of Node', () => {
    expect(library.filter((file) => /from 'node:/.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
  it('touches a GPU only in src/gpu and the session', () => {
    const touching = library.filter((file) => layer(file) <= PURE && /\bGPU[A-Z]/.test(readFileSync(file, 'utf8')));
    // a tensor may be in a caller's buffer
    expect(touching).toEqual(['src/tensor.ts']);
  });
});

describe('shaders', () => {
  const shaders = files('shaders', '.wgsl');
  it('that are kernels have a file of the same stem, which says what they compute and how it is packed', () => {
    // parts of lanes and of range; what devices are asked
    const others = ['lanes_chunked', 'range_end', 'probe', 'probe_float32'];
    const kernels = Object.keys(KERNELS).filter((name) => !others.includes(name));
    expect(
      kernels.filter((name) => !['', 'software/'].some((room) => existsSync(`src/kernels/${room}${name}.ts`))),
    ).toEqual([]);
  });
  it('start with what they compute, and use no atomics', () => {
    for (const file of shaders) {
      const text = readFileSync(file, 'utf8');
      expect(text, file).toMatch(/^\/\/ /);
      expect(text, file).not.toMatch(/\batomic/);
    }
    expect(shaders.length).toBeGreaterThan(15);
  });
  it('use f32 only where the header says why every value is an integer below 2^24', () => {
    const floats = shaders.filter((file) => /\bf32\b|\bvec[234]f\b/.test(code(file)));
    for (const file of floats) expect(readFileSync(file, 'utf8').split('\n\n')[0], file).toMatch(/2\^24/);
  });
});

const code = (file: string): string => readFileSync(file, 'utf8').replaceAll(/\/\/.*/g, '');
