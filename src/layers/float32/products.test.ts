import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, expect, it } from 'vitest';
import { ortFolder } from '../../../harness/chrome/ort_folder.ts';
import { createOnnxruntimeWeb } from '../../../harness/oracles/onnxruntime_web.ts';
import {
  floatConvolutions,
  floatFunctions,
  floatMatrices,
  floatTransposed,
} from '../../../tests/helpers/float_products.ts';
import { readModel } from '../../formats/index.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';

beforeAll(() => {
  ort.env.wasm.wasmPaths = pathToFileURL(`${ortFolder()}/`).href;
});

it.each([
  ['Conv', floatConvolutions],
  ['ConvTranspose', floatTransposed],
  ['MatMul and Gemm', floatMatrices],
  ['Exp and Pow', floatFunctions],
])('%s of float32: every bit is that of onnxruntime-web', async (_, build) => {
  const network = build();
  const model = network.bytes();
  const plan = createPlan(readModel(model));
  const { outputs } = referenceTrace(plan, network.feeds);
  const oracle = await createOnnxruntimeWeb(model, []);
  const expected = (await oracle.run(network.feeds)).outputs;
  await oracle.release();
  const wrong = Object.entries(expected).flatMap(([name, { data }]) => {
    const [got, wanted] = [outputs[name]!.data, data].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ) as [Uint8Array, Uint8Array];
    const count = wanted.filter((byte, i) => byte !== got[i]).length;
    return count > 0 || got.length !== wanted.length ? [`${name}: ${count} of ${wanted.length} bytes`] : [];
  });
  expect(wrong).toEqual([]);
  expect(Object.keys(expected).length).toBeGreaterThan(5);
});
