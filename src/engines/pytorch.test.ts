import { describe, expect, it } from 'vitest';
import { createPlan } from '../plan/plan.ts';
import { createFbgemm, fbgemm, fbgemmAvx2 } from './fbgemm.ts';
import { onednn } from './onednn.ts';
import { createOnednnAvx2 } from './onednn_avx2.ts';
import { qnnpack } from './qnnpack.ts';
import type { LinearLayer, Engine } from './engine.ts';
import { createX86Avx2, x86 } from './x86.ts';
import {
  convolve,
  mismatches,
  quint8,
  readNpz,
  recordedCases,
  shared,
  sharedAvailable,
} from '../../tests/helpers/recorded_cases.ts';
import { smallLayer } from '../../tests/helpers/small_layers.ts';

const [onednnAvx2, x86Avx2] = [createOnednnAvx2(), createX86Avx2()];
const recorded: readonly Engine[] = [qnnpack, fbgemm, fbgemmAvx2, onednn, x86];
const engines: readonly Engine[] = [...recorded, onednnAvx2, x86Avx2];
const byName = new Map(engines.map((engine) => [engine.name, engine]));

function checkConvolutions(engine: Engine): { outputs: number; wrong: number } {
  let outputs = 0;
  let wrong = 0;
  for (const c of recordedCases(readNpz(`goldens/operators/pytorch_${engine.name.replace('-', '_')}_conv.npz`))) {
    const [sx, zx, sy, zy, stride, pad, groups, relu] = Array.from(c.get('params')!) as number[];
    const [x, w, y] = [c.get('x')!, c.get('w')!, c.get('y')!];
    const [o, , kh, kw] = w.shape as [number, number, number, number];
    const layer: LinearLayer = {
      op: 'conv',
      input: quint8(sx!, zx!),
      output: quint8(sy!, zy!),
      weightScale: Float32Array.from(c.get('sw')!),
      weightType: 'int8',
      weightZeroPoint: new Int32Array(1),
      bias: Float32Array.from(c.get('b')!),
      relu: relu === 1,
      inputChannels: x.shape![1]!,
      outputChannels: o,
      groups: groups!,
      kernel: [kh, kw],
      pads: [pad!, pad!, pad!, pad!],
    };
    const actual = convolve(engine, { x, xShape: x.shape!, w, wShape: w.shape!, stride: stride!, layer });
    outputs += y.length;
    wrong += mismatches(actual, y);
  }
  return { outputs, wrong };
}

/** In memory order, as recorded. */
function checkAdds(engine: Engine, file: string): { outputs: number; wrong: number } {
  let outputs = 0;
  let wrong = 0;
  for (const c of recordedCases(readNpz(`goldens/operators/${file}.npz`))) {
    const [sa, za, sb, zb, sy, zy, relu] = Array.from(c.get('params')!) as number[];
    const [a, b, y] = [c.get('a')!, c.get('b')!, c.get('y')!];
    const { body, tail, isTail } = engine.add({
      a: quint8(Math.fround(sa!), za!),
      b: quint8(Math.fround(sb!), zb!),
      output: quint8(Math.fround(sy!), zy!),
      relu: relu === 1,
    });
    const actual = Array.from(y, (_, i) => (isTail?.(i, y.length) ? tail! : body)(a[i]!, b[i]!));
    outputs += y.length;
    wrong += mismatches(actual, y);
  }
  return { outputs, wrong };
}

describe.skipIf(!sharedAvailable)(`recorded PyTorch operators (needs ${shared})`, () => {
  it.each(recorded.map(({ name }) => name))('%s: every convolution', (name) => {
    expect(checkConvolutions(byName.get(name)!)).toEqual({ outputs: 288_933, wrong: 0 });
  });

  it.each([
    ['qnnpack', 'pytorch_qnnpack_add'],
    ['fbgemm', 'pytorch_x86_add'],
    ['fbgemm-avx2', 'pytorch_x86_add'],
    ['onednn', 'pytorch_x86_add'],
    ['x86', 'pytorch_x86_add'],
  ])('%s: every add', (name, file) => {
    expect(checkAdds(byName.get(name)!, file)).toEqual({ outputs: 533_044, wrong: 0 });
  });
});

const layer = (changes: Partial<LinearLayer> = {}): LinearLayer => ({
  op: 'conv',
  input: quint8(0.5, 128),
  output: quint8(1, 100),
  weightScale: Float32Array.of(1),
  weightType: 'int8',
  weightZeroPoint: new Int32Array(1),
  bias: Float32Array.of(0),
  relu: false,
  inputChannels: 1,
  outputChannels: 1,
  groups: 1,
  kernel: [1, 1],
  pads: [0, 0, 0, 0],
  ...changes,
});

describe.each(engines.map((engine) => [engine.name, engine] as const))('%s', (_, engine) => {
  it('is non-decreasing in the accumulator and stays in its bounds', () => {
    const scales = [0.0078125, 0.0117, 0.02345, 1.5e-5].map(Math.fround);
    for (const op of ['conv', 'gemm'] as const)
      for (const groups of op === 'conv' ? [1, 128] : [1])
        for (const weightScale of [[0.0123], [0.00037, 1.7]])
          for (const relu of [false, true]) {
            const functions = engine.linear(
              layer({
                op,
                groups,
                input: quint8(scales[1]!, 3),
                output: quint8(scales[2]!, 77),
                weightScale: Float32Array.from(weightScale),
                bias: Float32Array.of(-0.37, 2.9).subarray(0, weightScale.length),
                outputChannels: weightScale.length,
                relu,
              }),
            );
            for (let channel = 0; channel < functions.channels; channel++) {
              const f = functions.at(channel);
              const isStep = (from: number, to: number): boolean => {
                const [low, high] = [f(from), f(to)];
                return Number.isInteger(low) && functions.min <= low && low <= high && high <= functions.max;
              };
              let broken = 0;
              const [first, last] = functions.rises?.(channel) ?? [-(2 ** 31), 2 ** 31 - 1];
              for (let acc = first; acc < last; acc += 9_999_991)
                broken += Number(!isStep(acc, Math.min(acc + 9_999_991, last)));
              for (let acc = -30_000; acc < 30_000; acc++) broken += Number(!isStep(acc, acc + 1));
              expect(broken).toBe(0);
              expect(functions.slope(channel)).toBeGreaterThan(0);
            }
            expect(functions.min).toBe(relu ? 77 : 0);
          }
  });

  it('refuses int8 activations', () => {
    const int8 = { type: 'int8', scale: 1, zeroPoint: 0 } as const;
    expect(() => engine.linear(layer({ input: int8 }))).toThrow(/int8 activations; supported .* uint8/);
    expect(() => engine.add({ a: int8, b: quint8(1, 0), output: quint8(1, 0), relu: false })).toThrow(/int8/);
    expect(() => engine.quantize(int8)).toThrow(/int8/);
  });

  it('keeps the quantization of an average', () => {
    const pool = { input: quint8(0.1, 3), output: quint8(0.2, 3), count: 49 };
    expect(() => engine.globalAveragePool(pool)).toThrow(/average pool from scale 0.1, zero point 3 to scale 0.2/);
    const f = engine.globalAveragePool({ ...pool, output: pool.input }).at(0);
    expect([f(0), f(49), f(24), f(25), f(49 * 252), f(-3 * 49)]).toEqual([3, 4, 3, 4, 255, 0]);
  });

  it('quantizes by a fused multiply-add with the reciprocal, ties to even after the zero point, and clamps', () => {
    // x / scale is the tie 1.5, x * f32(1 / scale) is below it
    const scale = Math.fround(0.002);
    const x = Math.fround(scale * 1.5);
    expect(Math.fround(x / scale)).toBe(1.5);
    expect(engine.quantize(quint8(scale, 0))(x)).toBe(1);
    expect([0, 1, 56, 57].map((zeroPoint) => engine.quantize(quint8(1, zeroPoint))(1.5))).toEqual([2, 2, 58, 58]);
    // x * 3 is -66.4999981: a tie if it were rounded to float32 before the zero point is added
    const [third, near] = [Math.fround(1 / 3), Math.fround(-66.5 / 3)];
    expect(Math.fround(near * Math.fround(1 / third)) + 67).toBe(0.5);
    expect(engine.quantize(quint8(third, 67))(near)).toBe(1);
    const q = engine.quantize(quint8(scale, 10));
    expect([q(-Infinity), q(Infinity), q(-3e38), q(3e38)]).toEqual([0, 255, 0, 255]);
    expect(engine.dequantize(quint8(scale, 10))(12)).toBe(Math.fround(2 * scale));
  });

  it('reads an int32 bias as a multiple of f32(sx * sw)', () => {
    const floats = engine.linear(layer({ bias: Float32Array.of(3.5) })).at(0);
    const integers = engine.linear(layer({ bias: Int32Array.of(7) })).at(0);
    for (let accumulator = -300; accumulator < 300; accumulator++)
      expect(integers(accumulator)).toBe(floats(accumulator));
  });
});

describe('where the engines differ', () => {
  it.each([
    ['qnnpack', [101, 103, 103, 99]],
    ['fbgemm', [101, 103, 103, 99]],
    ['onednn', [102, 102, 103, 100]],
  ])('%s: ties are even before or after the zero point', (name, expected) => {
    const f = byName.get(name)!.linear(layer({ output: quint8(1, 101) }));
    expect([1, 3, 4, -3].map(f.at(0))).toEqual(expected);
  });

  it('fbgemm and qnnpack: a value that is no int32 is the smallest one; layers that reach it are refused', () => {
    const overflowing = layer({ output: quint8(2 ** -31, 5) });
    // an accumulator is 2^30 codes
    const values = (engine: Engine) => [1, 2, -2, -3].map(engine.linear(overflowing).at(0));
    expect([values(qnnpack), values(fbgemm), values(onednn)]).toEqual([
      [255, 0, 0, 0],
      [255, 0, 0, 0],
      [255, 255, 0, 0],
    ]);
    expect([qnnpack, fbgemm, onednn].map((engine) => engine.linear(overflowing).rises?.(0)[1])).toEqual([
      1,
      1,
      undefined,
    ]);
    const relu = layer({ output: quint8(2 ** -31, 5), relu: true });
    expect([qnnpack, fbgemm].map((engine) => engine.linear(relu).at(0)(2))).toEqual([5, 5]);

    const { graph } = smallLayer({ channels: [3, 6], stride: 1 }, 5);
    const whole = { scale: Float32Array.of(1e-12), zeroPoint: Int32Array.of(100) };
    const tiny = { ...graph, tensors: new Map([['y', { name: 'y', type: 'uint8' as const, quantization: whole }]]) };
    const plan = (engine: string) => () => createPlan(tiny, { engine });
    for (const name of ['qnnpack', 'fbgemm']) expect(plan(name)).toThrow("where the engine's own integers overflow");
    expect(plan('onednn')).not.toThrow();
  });

  it('rounds the bias to an integer in qnnpack only', () => {
    // sx * sw = 0.5: a bias of 0.25 is half an accumulator step, and with 2 * 0.5 beside it 1.25 steps of output
    const steps = (engine: Engine) =>
      engine.linear(layer({ bias: Float32Array.of(0.25), output: quint8(0.5, 0), weightScale: Float32Array.of(2) }));
    const half = layer({ bias: Float32Array.of(0.3), output: quint8(1, 0), weightScale: Float32Array.of(1) });
    expect(steps(qnnpack).at(0)(0)).toBe(0);
    expect([qnnpack, fbgemm, onednn].map((engine) => engine.linear(half).at(0)(1))).toEqual([1, 1, 1]);
    const small = { ...half, bias: Float32Array.of(0.2) };
    expect([qnnpack, fbgemm, onednn].map((engine) => engine.linear(small).at(0)(1))).toEqual([0, 1, 1]);
  });

  it('fbgemm: one weight scale for all channels contracts the bias into an fma', () => {
    const found = { perTensor: 0, perChannel: 0 };
    for (let i = 0; i < 2000; i++) {
      const bias = Float32Array.of(0.1 + i / 7, 0);
      const at = (weightScale: number[]) =>
        fbgemm
          .linear(
            layer({ outputChannels: 2, output: quint8(0.0037, 0), weightScale: Float32Array.from(weightScale), bias }),
          )
          .at(0);
      const [perTensor, perChannel] = [at([0.0031]), at([0.0031, 0.0031])];
      for (let y = 0; y < 255; y++) {
        const accumulator = Math.round(((y + 0.5) * 0.0037 - bias[0]!) / (0.5 * 0.0031));
        if (perTensor(accumulator) < perChannel(accumulator)) found.perTensor++;
        if (perTensor(accumulator) > perChannel(accumulator)) found.perChannel++;
      }
    }
    expect(found.perTensor + found.perChannel).toBeGreaterThan(0);
  });

  it('onednn: inverts the input scale twice', () => {
    let scale = Math.fround(0.01);
    while (Math.fround(1 / Math.fround(1 / scale)) === scale) scale = Math.fround(scale * (1 + 2 ** -22));
    const s = Math.fround(1 / Math.fround(1 / scale));
    const wide = layer({ input: quint8(scale, 0), output: quint8(2 ** -8, 0) });
    const f = onednn.linear(wide).at(0);
    for (let accumulator = 0; accumulator < 100; accumulator++)
      expect(f(accumulator)).toBe(Math.min(255, Math.round(Math.fround(accumulator * s) * 256)));
  });

  it('saturates pairs where the machine and the kernel do', () => {
    const depthwise = (channels: number, size: number, pad = (size - 1) / 2) =>
      layer({
        inputChannels: channels,
        outputChannels: channels,
        groups: channels,
        kernel: [size, size],
        pads: [pad, pad, pad, pad],
      });
    const layers = [
      layer(),
      layer({ op: 'gemm' }),
      depthwise(96, 3),
      depthwise(144, 3),
      depthwise(144, 5),
      depthwise(144, 7),
      depthwise(144, 3, 0),
      depthwise(145, 3),
      { ...depthwise(144, 3), inputChannels: 288 },
      { ...depthwise(144, 3), pads: [1, 1, 0, 1] as const },
    ];
    const saturating = (engine: Engine) => layers.map((l) => Number(engine.accumulation(l) !== 'exact'));
    expect(saturating(qnnpack)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(saturating(onednn)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(saturating(fbgemm)).toEqual([0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
    expect(saturating(fbgemmAvx2)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(saturating(x86)).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    expect(saturating(x86Avx2)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('x86: onednn up to 100 groups, fbgemm above and for linear layers', () => {
    // a tie: 101 + 0.5 is 102 in onednn, 101 in fbgemm
    const value = (changes: Partial<LinearLayer>) => x86.linear(layer({ output: quint8(1, 101), ...changes })).at(0)(1);
    expect([value({ groups: 100 }), value({ groups: 101 }), value({ op: 'gemm' })]).toEqual([102, 101, 101]);
  });
});

describe('add', () => {
  const quantization = { a: quint8(1, 0), b: quint8(1, 0), output: quint8(2, 1), relu: false };

  it('qnnpack rounds ties away from zero, the others to even: before the zero point in a block, after it in the tail', () => {
    const q = qnnpack.add(quantization);
    const native = fbgemm.add(quantization);
    const sums = [1, 2, 3, 5];
    expect(sums.map((s) => q.body(s, 0))).toEqual([2, 2, 3, 4]);
    expect(sums.map((s) => native.body(s, 0))).toEqual([1, 2, 3, 3]);
    expect(sums.map((s) => native.tail!(s, 0))).toEqual([2, 2, 2, 4]);
    expect(q.tail).toBeUndefined();
    const below = qnnpack.add({ ...quantization, a: quint8(1, 200), output: quint8(2, 50) });
    expect([199, 198, 197].map((a) => below.body(a, 0))).toEqual([49, 49, 48]);
  });

  it('clamps: ReLU at the zero point', () => {
    for (const engine of [qnnpack, fbgemm]) {
      const { body, tail } = engine.add({ ...quantization, a: quint8(1, 200), output: quint8(0.5, 50), relu: true });
      for (const f of tail ? [body, tail] : [body])
        expect([f(0, 0), f(199, 0), f(201, 0), f(255, 255)]).toEqual([50, 50, 52, 255]);
    }
  });

  it.each([
    [1, 64, 0],
    [1, 63, 63],
    [1, 7840, 32],
    [1, 40_000, 0],
    [2, 32_768, 0],
    [2, 40_002, 2 * (20_001 % 64)],
    [4, 40_100, 2 * (20_050 % 64)],
    [4, 98_305, 3 * (24_577 % 64) + (24_574 % 64)],
  ])('%i thread(s), %i elements: a tail of %i', (threads, elements, expected) => {
    const { isTail } = createFbgemm({ threads }).add(quantization);
    let tail = 0;
    for (let i = 0; i < elements; i++) tail += Number(isTail!(i, elements));
    expect(tail).toBe(expected);
    expect(isTail!(elements - 1, elements)).toBe(elements % 64 !== 0);
  });

  it('qnnpack rounds its multipliers to even', () => {
    // 2508940.5 is rounded to 2508940; from 2508941 on, the sum below would be 149
    const a = quint8(2508940.5 / 2 ** 22, 0);
    const { body } = qnnpack.add({ a, b: quint8(0.25, 0), output: quint8(1, 0), relu: false });
    expect(body(247, 3)).toBe(148);
  });

  it('refuses what has no defined result', () => {
    expect(() => qnnpack.add({ ...quantization, output: quint8(2 ** -8, 0) })).toThrow(/ratios 256 and 256/);
    expect(() => qnnpack.add({ ...quantization, output: quint8(2 ** 11, 0) })).toThrow(/supported by qnnpack/);
    expect(() => qnnpack.add({ ...quantization, a: quint8(2 ** -14, 0) })).toThrow(/supported by qnnpack/);
    expect(() => createFbgemm({ threads: 0 })).toThrow(/0 threads; supported: a positive whole number/);
  });
});
