import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModel } from '../index.ts';
import { Exact8Error } from '../../errors.ts';
import { createPlan } from '../../plan/plan.ts';
import { referenceTrace } from '../../plan/reference.ts';
import { nodeTest } from '../../../tests/helpers/onnx_node_test.ts';

const FOLDER = '../shared/goldens/onnx_node_tests';
const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.startsWith('test_')) : [];

/** What is not supported, and what the error has to name. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  test_convinteger_with_padding: /zero points for channels of weights, which onnxruntime does not run/,
  test_dequantizelinear_axis: /'x' is quantized per axis; supported: one scale for an activation/,
  test_qlinearmatmul_2D_int8_float16: /'a_scale' has element type float16/,
  test_qlinearmatmul_2D_uint8_float16: /'a_scale' has element type float16/,
  test_qlinearmatmul_3D_int8_float16: /'a_scale' has element type float16/,
  test_qlinearmatmul_3D_uint8_float16: /'a_scale' has element type float16/,
  test_quantizelinear_axis: /'y' is quantized per axis; supported: one scale for an activation/,
};

describe.skipIf(names.length === 0)(
  "the ONNX project's node tests in ../shared: operands other than the first as constants",
  () => {
    it.each(names)('%s', (name) => {
      const { model, feeds, expected } = nodeTest(`${FOLDER}/${name}`, readFileSync);
      const refused = REFUSED[name];
      const run = () => referenceTrace(createPlan(readModel(model)), feeds).outputs;
      if (refused) {
        expect(run).toThrow(refused);
        expect(run).toThrow(Exact8Error);
        return;
      }
      const outputs = run();
      for (const [output, { data, dims }] of Object.entries(expected)) {
        expect(outputs[output]!.dims).toEqual(dims);
        expect([...outputs[output]!.data]).toEqual([...data]);
      }
    });
  },
);
