import { describe, expect, it } from 'vitest';
import { caseAt, generateAtBoundaries } from './index.ts';
import { parseCaseId } from '../generate.ts';
import { graphRead } from '../read.ts';
import { UnsupportedModelError } from '../../../src/errors.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { referenceTrace } from '../../../src/plan/reference.ts';
import { channelsOf } from '../../../src/engines/pytorch.ts';
import { qnnpack } from '../../../src/engines/qnnpack.ts';
import { f32, roundHalfEven } from '../../../src/engines/rounding.ts';
import { FloatLines } from '../../../src/engines/float_lines.ts';
import { findEngine, ENGINES } from '../../../src/engines/index.ts';
import type { Engine } from '../../../src/engines/engine.ts';

const CASES = 48;

/** How many elements of cases at an engine's boundaries another engine gives otherwise. */
function missed(engine: string, other: Engine): number {
  let count = 0;
  for (let index = 0; index < CASES; index++) {
    const test = generateAtBoundaries(engine, 1, index);
    try {
      const plan = createPlan(graphRead(test));
      const outputs = (engine: Engine) => referenceTrace({ ...plan, engine }, test.feeds).outputs['y']!.data;
      const [ours, theirs] = [outputs(plan.engine), outputs(other)];
      for (let i = 0; i < ours.length; i++) count += Number(ours[i] !== theirs[i]);
    } catch (error) {
      if (!(error instanceof UnsupportedModelError)) throw error;
    }
  }
  return count;
}

describe('cases at boundaries', () => {
  it.each(ENGINES.map(({ name }) => name))('%s: are the same for the same id, and computed', (engine) => {
    const test = generateAtBoundaries(engine, 3, 8);
    expect(caseAt(parseCaseId(test.id))).toEqual(test);
    expect(missed(engine, findEngine(engine))).toBe(0);
  });

  it('tell a bias that is divided from one that is multiplied with the reciprocal', () => {
    const divided: Engine = {
      ...qnnpack,
      linear(layer) {
        const lines = qnnpack.linear(layer) as FloatLines;
        const { realBias, weightScale } = channelsOf(layer);
        return new FloatLines(lines.channels, [lines.min, lines.max], (channel) => {
          const bias = roundHalfEven(f32(realBias(channel) / f32(layer.input.scale * weightScale(channel))));
          return { ...lines.line(channel), bias };
        });
      },
    };
    expect(missed('qnnpack', divided)).toBeGreaterThan(10);
  });

  it.each([
    ['fbgemm', 'onednn'],
    ['onednn', 'fbgemm'],
    ['onnxruntime', 'onnxruntime-x64'],
    ['onnxruntime-x64', 'onnxruntime'],
  ])("%s's tell it from %s", (engine, other) => {
    expect(missed(engine, findEngine(other))).toBeGreaterThan(10);
  });
});
