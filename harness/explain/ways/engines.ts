import { UnsupportedModelError } from '../../../src/errors.ts';
import { ENGINES } from '../../../src/engines/index.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { waysOf, type Choice } from '../problem.ts';

const way = waysOf('scale');

/** The id of what an engine does itself. */
export const engineWay = ({ name }: Engine): string => `engine-${name}`;

/**
 * What an engine does as a whole, where its steps are none that are known one by one: of the reference's engine and, as
 * people mix up their kernel sets, of all of TensorFlow Lite's where that is one.
 *
 * @param of undefined, or an UnsupportedModelError, where an engine does not compute the layer
 */
export function engineChoices<T extends object>(bound: Engine, of: (engine: Engine) => T | undefined): (Choice & T)[] {
  const related = ENGINES.filter(
    ({ name, family }) => name !== bound.name && family === 'tflite' && bound.family === family,
  );
  return [bound, ...related].flatMap((engine) => {
    try {
      const does = of(engine);
      return does ? [way(engineWay(engine), `as the engine ${engine.name} computes it`, does)] : [];
    } catch (error) {
      if (error instanceof UnsupportedModelError) return [];
      throw error;
    }
  });
}
