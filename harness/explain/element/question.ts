import { UnsupportedModelError } from '../../../src/errors.ts';
import type { ElementData, GraphNode, TensorInfo } from '../../../src/graph/graph.ts';
import type { Extent } from '../../../src/layers/layout.ts';
import type { OpContext } from '../../../src/layers/operator.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import type { ElementAnalysis, EngineResult, Side } from './analysis.ts';

/** The element that is asked for, with what its operator needs. */
export interface Question {
  readonly node: GraphNode;
  readonly context: OpContext;
  readonly info: TensorInfo;
  readonly extent: Extent;
  readonly at: { readonly n: number; readonly c: number; readonly y: number; readonly x: number };
  /** The engine of the reference first. */
  readonly engines: readonly Engine[];
  /** An operand's values, NCHW; the reference's own where they are known, and may be others. */
  operand(index: number): { readonly values: ElementData; readonly reference: ElementData | undefined };
  /** What each side has here, as far as it is known. */
  readonly sides: readonly (readonly [Side, number])[];
  /** Whose value this is. */
  gives(value: number): Side[];
}

/** What an operator adds to what is known of every element. */
export type Details = Omit<
  ElementAnalysis,
  'tensor' | 'node' | 'op' | 'index' | 'engine' | 'theirs' | 'reference' | 'explained'
>;

/** Every engine's own result. */
export function underEveryEngine(
  { engines, gives }: Pick<Question, 'engines' | 'gives'>,
  run: (engine: Engine) => Pick<EngineResult, 'value' | 'accumulator'> & { readonly value: number },
): EngineResult[] {
  return engines.map((engine) => {
    try {
      const result = run(engine);
      return { engine: engine.name, ...result, gives: gives(result.value) };
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
      return { engine: engine.name, unsupported: error.message, gives: [] };
    }
  });
}
