import { InvalidInputError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Oracle } from '../oracles/onnxruntime_web.ts';
import { tfliteOracle, TFJS_TFLITE } from '../oracles/tfjs_tflite.ts';
import { openTfjsTflite } from '../process/tfjs_tflite.ts';
import type { LoadedModel } from './model.ts';
import { note } from './output.ts';

/**
 * The engine of a model that is compared with `against`, where none is named: the one whose bits that has.
 *
 * @throws InvalidInputError where TensorFlow Lite cannot run the model
 */
export const engineAgainst =
  (against: string | undefined) =>
  ({ format, engine }: Graph): string => {
    if (against !== TFJS_TFLITE.oracle) return engine;
    if (format !== TFJS_TFLITE.format)
      throw new InvalidInputError(
        'the model is no .tflite file, so TensorFlow Lite cannot run it: leave --against tflite out',
      );
    return TFJS_TFLITE.engine;
  };

/**
 * tfjs-tflite with a model.
 *
 * @throws InvalidInputError where it is not installed, or the engine is another one
 */
export async function openLiveTflite({ bytes, engine: { name }, plan }: LoadedModel): Promise<Oracle> {
  const { engine, near } = TFJS_TFLITE;
  if (name !== engine && name !== near)
    throw new InvalidInputError(
      `--against tflite compares its own bits, which are those of --engine ${engine}: --engine ${name} has others. ` +
        'A recorded trace has them: docs/tflite.md',
    );
  if (name === near)
    note(
      `tfjs-tflite is of 2023; MEAN, SUM and what rescales bytes may differ from ${near}: --engine ${engine} is as it is`,
    );
  return tfliteOracle(await openTfjsTflite(), bytes, plan.graph);
}
