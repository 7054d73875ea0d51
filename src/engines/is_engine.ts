import { isRecord } from '../kind_of.ts';
import type { Engine } from './engine.ts';

/** What an engine cannot do without. */
const FUNCTIONS = ['linear', 'accumulation', 'add', 'globalAveragePool', 'quantize', 'dequantize'] as const;

/** Is it an engine: a built-in one, or one of a caller's own? */
export function isEngine(value: unknown): value is Engine {
  return (
    isRecord(value) && typeof value['name'] === 'string' && FUNCTIONS.every((one) => typeof value[one] === 'function')
  );
}
