import type { Engine } from './engine.ts';
import { onDemand } from '../on_demand.ts';
import { isEngine } from './is_engine.ts';
import { onnxruntime } from './onnxruntime.ts';

/** Of most models in browsers. */
const USUAL: Engine = onnxruntime;

/**
 * As findEngine; all engines but the usual one are imported once a name asks for them.
 *
 * @throws UnsupportedModelError, with the names that there are
 */
export async function loadEngine(engine: string | Engine): Promise<Engine> {
  if (isEngine(engine)) return engine;
  if (engine === USUAL.name) return USUAL;
  const { findEngine } = await onDemand('the engines', () => import('./index.ts'));
  return findEngine(engine);
}
