import { describe, expect, it } from 'vitest';
import { Random } from '../../models/random.ts';
import { proveAdd, evaluateAddLine } from './add.ts';
import { codeAt, findBoundaries } from './boundaries.ts';
import { channelBoundaries, type RequantizeForm } from './form.ts';
import { floatGuess } from './forms/float_guess.ts';
import { floatOfKey, keyOfFloat } from './float_keys.ts';
import { nearestEven } from './forms/nearest_even.ts';
import { multiplyShift } from './forms/multiply_shift.ts';
import { FORMS, formsInOrder, proveForm, proveRequantization, refute } from './prove.ts';
import { stepFunctions } from '../layers/quantize_linear.ts';
import { qnnpack } from '../engines/qnnpack.ts';
import { onnxruntime } from '../engines/onnxruntime.ts';
import type { LinearLayer, Engine, StepFunctions } from '../engines/engine.ts';

const LO = -4000;
const HI = 5000;
const range = (channels: number) => ({
  lo: new Float64Array(channels).fill(LO),
  hi: new Float64Array(channels).fill(HI),
});

/** A layer of onnxruntime's with these weight scales. */
function layer(weightScale: number[], overrides: Partial<LinearLayer> = {}): StepFunctions {
  return onnxruntime.linear({
    op: 'conv',
    input: { type: 'uint8', scale: 0.02, zeroPoint: 128 },
    output: { type: 'uint8', scale: 0.05, zeroPoint: 100 },
    weightScale: Float32Array.from(weightScale),
    weightType: 'int8',
    weightZeroPoint: Int32Array.of(0),
    relu: false,
    inputChannels: 8,
    outputChannels: weightScale.length,
    groups: 1,
    kernel: [1, 1],
    pads: [0, 0, 0, 0],
    ...overrides,
  });
}

describe('boundaries', () => {
  it('give the code of every accumulator, for any step function', () => {
    const random = new Random(7);
    for (let trial = 0; trial < 40; trial++) {
      // a staircase of steps of any height and length, not only lines
      const steps = Array.from({ length: random.integer(0, 60) }, () => random.integer(LO, HI + 1)).sort(
        (a, b) => a - b,
      );
      const f = (accumulator: number): number => Math.min(255, steps.filter((s) => s <= accumulator).length * 5);
      const functions = { channels: 1, min: 0, max: 255, at: () => f, slope: () => random.scale(0.001, 10) };
      const boundaries = findBoundaries(functions, range(1), 0);
      for (let accumulator = LO; accumulator <= HI; accumulator++)
        if (codeAt(boundaries, 0, accumulator) !== f(accumulator)) expect.fail(`trial ${trial}, ${accumulator}`);
    }
  });

  it('start at the smallest value of a signed type', () => {
    const functions = layer([0.01], { output: { type: 'int8', scale: 0.05, zeroPoint: -7 } });
    const boundaries = findBoundaries(functions, range(1), -128);
    for (const accumulator of [LO, -1, 0, 1, HI])
      expect(codeAt(boundaries, 0, accumulator) - 128).toBe(functions.at(0)(accumulator));
  });
});

describe('forms', () => {
  const scales = [0.3, 0.1, 0.0371, 0.01, 0.0043, 0.9];
  /** float_guess is for keys of floats, which have a test of their own. */
  const ofIntegers = FORMS.filter((form) => form !== floatGuess);
  it.each(ofIntegers.map((form) => [form.name, form] as const))(
    '%s: what is proved holds at every accumulator',
    (_, form) => {
      let proved = 0;
      for (const scale of scales) {
        const functions = layer([scale]);
        const boundaries = findBoundaries(functions, range(1), 0);
        const channel = channelBoundaries(boundaries, 0);
        const parameters = form.fit(channel, functions.slope(0), functions.line!(0));
        if (!parameters || refute(form, parameters, channel)) continue;
        proved++;
        for (let accumulator = LO; accumulator <= HI; accumulator++)
          if (form.evaluate(parameters, channel, accumulator) !== functions.at(0)(accumulator))
            expect.fail(`scale ${scale}, accumulator ${accumulator}`);
      }
      expect(proved).toBeGreaterThan(0);
    },
  );

  it('a constant channel has a form', () => {
    const line = () => ({ bias: 0, scale: 2 ** -60, zeroPoint: 42, least: 0, most: 255 });
    const functions: StepFunctions = { channels: 1, min: 0, max: 255, at: () => () => 42, slope: () => 1, line };
    for (const form of FORMS) expect(proveRequantization(functions, range(1), 0, [form]).form).toBe(form.name);
  });
});

describe('float_guess', () => {
  it('quantizes every float32 as the engine does', () => {
    const random = new Random(11);
    for (let trial = 0; trial < 50; trial++) {
      const output = { type: 'uint8', scale: random.scale(1e-4, 10), zeroPoint: random.integer(0, 255) } as const;
      for (const engine of [onnxruntime, qnnpack]) {
        const quantize = engine.quantize(output);
        const functions = stepFunctions(output.type, quantize);
        const keys = { lo: Float64Array.of(keyOfFloat(-Infinity)), hi: Float64Array.of(keyOfFloat(Infinity)) };
        const channel = channelBoundaries(findBoundaries(functions, keys, 0), 0);
        const parameters = floatGuess.fit(channel, 0)!;
        expect(refute(floatGuess, parameters, channel)).toBeUndefined();
        for (let i = 0; i < 500; i++) {
          // far out, and within a few steps of a boundary
          const around = channel.at[random.integer(0, channel.at.length - 1)]! + random.integer(-2, 2);
          for (const key of [keyOfFloat(random.integer(-500, 500) * 1.37 * output.scale), around])
            expect(floatGuess.evaluate(parameters, channel, key)).toBe(quantize(floatOfKey(key)));
        }
      }
    }
  });
});

describe('float_guess where a device takes subnormal numbers for zero', () => {
  it('is refused for integers, which as keys are subnormal: their codes are not what zero has', () => {
    const functions = layer([2 ** -17]);
    const keys = { lo: Float64Array.of(-(2 ** 22)), hi: Float64Array.of(2 ** 22) };
    const channel = channelBoundaries(findBoundaries(functions, keys, 0), 0);
    expect(channel.at.length).toBeGreaterThan(1);
    const counter = refute(floatGuess, floatGuess.fit(channel, 0)!, channel);
    expect(counter).toMatchObject({ got: NaN });
  });

  it('holds for a quantize whose boundaries are normal, at every subnormal x', () => {
    const output = { type: 'uint8', scale: 2 ** -120, zeroPoint: 3 } as const;
    const functions = stepFunctions(output.type, onnxruntime.quantize(output));
    const keys = { lo: Float64Array.of(keyOfFloat(-Infinity)), hi: Float64Array.of(keyOfFloat(Infinity)) };
    const channel = channelBoundaries(findBoundaries(functions, keys, 0), 0);
    const parameters = floatGuess.fit(channel, 0)!;
    expect(refute(floatGuess, parameters, channel)).toBeUndefined();
    for (const key of [-(2 ** 23) + 1, -1000, -1, 0, 1, 1000, 2 ** 23 - 1])
      expect(floatGuess.evaluate(parameters, channel, key)).toBe(3);
  });
});

describe('the devices that a form is for', () => {
  it('nearest_even is for those alone that round to nearest, ties to even', () => {
    const names = (nearestEven: boolean): string[] => formsInOrder([], { nearestEven }).map(({ name }) => name);
    expect(names(true)).toContain('nearest_even');
    expect(names(false)).not.toContain('nearest_even');
    expect(proveRequantization(layer([0.01]), range(1), 0).form).not.toBe('nearest_even');
  });
});

describe('lines of float32 values', () => {
  const random = new Random(5);
  const engines = [onnxruntime, qnnpack];
  const layerOf = (engine: Engine): StepFunctions =>
    engine.linear({
      op: 'conv',
      input: { type: 'uint8', scale: random.scale(0.001, 1), zeroPoint: random.integer(0, 255) },
      output: { type: 'uint8', scale: random.scale(0.001, 1), zeroPoint: random.integer(0, 255) },
      weightScale: Float32Array.from({ length: 6 }, () => random.scale(1e-4, 0.1)),
      weightType: 'int8',
      weightZeroPoint: Int32Array.of(0),
      bias: Int32Array.from({ length: 6 }, () => random.integer(-(2 ** 20), 2 ** 20)),
      relu: random.integer(0, 1) === 1,
      inputChannels: 8,
      outputChannels: 6,
      groups: 1,
      kernel: [1, 1],
      pads: [0, 0, 0, 0],
    });

  it('are what nearest_even computes, so that its proof needs no boundaries: with them it comes to the same', () => {
    for (let trial = 0; trial < 200; trial++)
      for (const engine of engines) {
        const functions = layerOf(engine);
        const wide = { lo: new Float64Array(6).fill(1 - 2 ** 24), hi: new Float64Array(6).fill(2 ** 24 - 1) };
        const proof = proveRequantization(functions, wide, 0, [nearestEven]);
        expect(proof).toMatchObject({ form: 'nearest_even', channels: 6, rejected: [] });
        expect(proof.boundaries).toBeUndefined();
        const boundaries = findBoundaries(functions, wide, 0);
        for (const [c, parameters] of proof.parameters.entries())
          expect(refute(nearestEven, parameters, channelBoundaries(boundaries, c))).toBeUndefined();
      }
  });

  it('are not taken where float32 does not hold the sums, or products could be lost', () => {
    const forms = [nearestEven, FORMS.at(-1)!];
    const own = (functions: StepFunctions, largest = HI): string => {
      const reached = { lo: Float64Array.of(LO), hi: Float64Array.of(largest) };
      return proveRequantization(functions, reached, 0, forms).form;
    };
    expect(own(layer([0.01]))).toBe('nearest_even');
    expect(own(layer([0.01]), 2 ** 24)).toBe('search');
    expect(own(layer([0.01], { bias: Int32Array.of(2 ** 24) }))).toBe('search');
    expect(own(layer([2 ** -63]))).toBe('search');
    expect(own(layer([2 ** 66]))).toBe('search');
  });

  it('are proved at every boundary where an engine only says that its functions are lines', () => {
    const lines = layer([0.01]);
    const said = (at: StepFunctions['at']): StepFunctions => ({
      channels: 1,
      min: 0,
      max: 255,
      at,
      slope: (channel) => lines.slope(channel),
      line: (channel) => lines.line!(channel),
    });
    const right = proveRequantization(
      said((channel) => lines.at(channel)),
      range(1),
      0,
      [nearestEven],
    );
    expect(right.boundaries).toBeGreaterThan(0);
    const offByOne = said((channel) => (accumulator) => lines.at(channel)(accumulator - 1));
    const proof = proveRequantization(offByOne, range(1), 0, [nearestEven, FORMS.at(-1)!]);
    expect(proof).toMatchObject({ form: 'search', rejected: [{ form: 'nearest_even', channel: 0 }] });
  });
});

describe('the proof can fail', () => {
  const functions = layer([0.01, 0.02, 0.03, 0.04]);
  const boundaries = findBoundaries(functions, range(4), 0);
  const channels = Array.from({ length: 4 }, (_, c) => channelBoundaries(boundaries, c));

  it('rejects a form that is wrong at one boundary of one channel', () => {
    const wrong = channels[2]!.at[100]!;
    const planted: RequantizeForm = {
      ...FORMS.at(-1)!,
      name: 'planted',
      evaluate: (_, channel, accumulator) => {
        const code = channel.codes.filter((_, k) => channel.at[k]! <= accumulator).at(-1) ?? channel.start;
        return channel.at[100] === wrong && accumulator === wrong ? code - 1 : code;
      },
    };
    expect(proveForm(planted, channels, () => 1)).toEqual({
      channel: 2,
      reason: `gives ${channels[2]!.codes[100]! - 1}, not ${channels[2]!.codes[100]}, at accumulator ${wrong}`,
    });
    const chosen = proveRequantization(functions, range(4), 0, [planted, FORMS.at(-1)!]);
    expect(chosen.form).toBe('search');
  });

  it('rejects parameters that are off by one', () => {
    const parameters = multiplyShift.fit(channels[0]!, functions.slope(0));
    expect(parameters).toBeDefined();
    expect(refute(multiplyShift, parameters!, channels[0]!)).toBeUndefined();
    for (const index of [2, 3]) {
      const planted = parameters!.map((word, i) => word + (i === index ? 2 ** 16 : 0));
      expect(refute(multiplyShift, planted, channels[0]!)).toBeDefined();
    }
  });

  it('takes one form for all channels: the first that none of them refuses', () => {
    // seventeen bits of slope do not fit a 32-bit product over this range, so the first form is refused
    const wide = { lo: new Float64Array(2).fill(-4e6), hi: new Float64Array(2).fill(4e6) };
    const proof = proveRequantization(layer([1e-5, 1.2345e-5]), wide, 0);
    expect(proof.rejected.map(({ form }) => form)).toContain('multiply_shift');
    expect(proof.parameters).toHaveLength(2);
  });
});

describe('add', () => {
  const quantization = (scale: number, zeroPoint: number) => ({ type: 'uint8', scale, zeroPoint }) as const;
  it('a line that is proved over all pairs, or the table', () => {
    const seen = new Set<string>();
    const random = new Random(3);
    for (let trial = 0; trial < 30; trial++) {
      const [a, b, output] = [0.3, 0.4, 0.6].map((s) =>
        quantization(Math.fround(s * random.scale(0.2, 4)), random.integer(0, 255)),
      );
      const { body } = onnxruntime.add({ a: a!, b: b!, output: output!, relu: false });
      const proof = proveAdd(body, { a: a!.scale / output!.scale, b: b!.scale / output!.scale });
      seen.add(proof.form);
      const table = new Uint8Array(proof.parameters.buffer);
      for (let i = 0; i < 65536; i++) {
        const got = proof.form === 'add_line' ? evaluateAddLine(proof.parameters, i >> 8, i & 255) : table[i];
        if (got !== body(i >> 8, i & 255)) expect.fail(`trial ${trial}, pair ${i}`);
      }
    }
    expect(seen).toContain('add_line');
  });

  it('a function that is no line gets the table', () => {
    expect(proveAdd((a, b) => (a * b) & 255, { a: 1, b: 1 }).form).toBe('add_table');
  });
});
