import type { Specialization } from '../kernels/kernel.ts';
import { threadGrid } from '../kernels/step.ts';
import type { FormParameters } from '../requantize/form.ts';
import { nearestEven } from '../requantize/forms/nearest_even.ts';
import { f32 } from '../engines/rounding.ts';
import { scoped } from './scoped.ts';
import { onDevice } from './loss.ts';
import { PipelineCache } from './pipelines.ts';

const WHAT = 'asking how the device rounds';
const CASES = 4096;
const PER_WORD = 4;

type ProbeData = Float32Array | Uint32Array | Int32Array;

/** Sums, and lines through them. */
interface Cases {
  readonly sums: Float32Array;
  readonly lines: readonly FormParameters[];
}

/**
 * Sums whose products lie at ties and within a rounding of them, every other one with a bias that is not whole, so
 * that its sum is rounded, too: any other rounding than to nearest, ties to even, of any of the steps shows.
 */
function roundingCases(): Cases {
  let state = 1;
  // minimal standard generator (Park and Miller 1988): the cases are the same everywhere
  const random = (): number => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
  const sums = new Float32Array(CASES);
  const lines: FormParameters[] = [];
  for (let i = 0; i < CASES; i++) {
    const sum = Math.floor(2 ** (1 + 22 * random())) * (random() < 0.5 ? -1 : 1);
    const bias = i % 2 === 0 ? Math.floor(2000 * random()) : f32(2000 * random());
    const tie = Math.floor(127 * random()) + 0.5;
    const scale = f32(Math.abs(tie / (sum + bias || 1)) * (1 + (Math.floor(5 * random()) - 2) * 2 ** -24));
    sums[i] = sum;
    lines.push([bias, scale, -128, 127, 128]);
  }
  return { sums, lines };
}

/**
 * What a shader computes.
 *
 * @param groups the buffers of each bind group but the first one's last, which is the output
 */
async function compute(
  device: GPUDevice,
  key: Specialization,
  groups: readonly [readonly ProbeData[], readonly ProbeData[], ProbeData],
  threads: number,
  size: number,
): Promise<ArrayBuffer> {
  const buffers: GPUBuffer[] = [];
  const upload = (data: ProbeData, usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({ size: data.byteLength, usage, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer));
    buffer.unmap();
    buffers.push(buffer);
    return buffer;
  };
  const empty = (usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({ size, usage });
    buffers.push(buffer);
    return buffer;
  };
  try {
    const { pipeline, layouts } = await PipelineCache.of(device).get(key);
    const staging = await scoped(device, WHAT, () => {
      const output = empty(GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
      const staging = empty(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
      const [operands, parameters, uniform] = groups;
      const members = [
        [...operands.map((data) => upload(data, GPUBufferUsage.STORAGE)), output],
        parameters.map((data) => upload(data, GPUBufferUsage.STORAGE)),
        [upload(uniform, GPUBufferUsage.UNIFORM)],
      ];
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (const [index, group] of members.entries()) {
        const entries = group.map((buffer, binding) => ({ binding, resource: { buffer } }));
        pass.setBindGroup(index, device.createBindGroup({ layout: layouts[index]!, entries }));
      }
      pass.dispatchWorkgroups(...threadGrid(threads));
      pass.end();
      encoder.copyBufferToBuffer(output, 0, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      return staging;
    });
    await staging.mapAsync(GPUMapMode.READ);
    return staging.getMappedRange().slice(0);
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

/** Does the form `nearest_even` compute on this device what it computes on the host, at 4,096 places where roundings decide? */
async function askRounding(device: GPUDevice): Promise<boolean> {
  const { sums, lines } = roundingCases();
  const words = CASES / PER_WORD;
  const slots = { output: 'output/codes', form: 'requantize/nearest_even' };
  const key = { kernel: 'probe' as const, slots, overrides: { OUTPUT_SIGN: 0 }, counts: {} };
  const parameters = nearestEven.pack!(lines);
  const codes = new Uint8Array(
    await compute(device, key, [[sums], parameters, Uint32Array.of(words, 0, 0, 0)], words, CASES),
  );
  return lines.every((line, i) => codes[i] === nearestEven.evaluate(line, undefined as never, sums[i]!));
}

/** Bits of float32 values, of which those of NaN become the same. */
const oneNaN = (bits: Uint32Array): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(bits, (one) => ((one & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : one));

const bitsOf = (values: Float32Array): Uint32Array => oneNaN(new Uint32Array(values.buffer));

/** Pairs of float32 values: of any bits, near one another, subnormal, zeros, infinite, NaN. */
function operands(): { readonly a: Float32Array; readonly b: Float32Array } {
  let state = 7;
  const random = (): number => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
  const bits = (): number => Math.floor(random() * 2 ** 32);
  const special = [
    0, 0x80000000, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000,
  ];
  const a = new Uint32Array(CASES);
  const b = new Uint32Array(CASES);
  for (let i = 0; i < CASES; i++) {
    const other = [
      bits(),
      // within a few powers of two
      (a[i] = bits()) ^ (bits() & 0x81ffffff),
      // both small: products and quotients are subnormal
      bits() & 0x9fffffff,
      special[Math.floor(random() * special.length)]!,
    ];
    if (i % 4 !== 1) a[i] = i % 4 === 2 ? bits() & 0xa0ffffff : bits();
    if (i % 16 === 15) a[i] = special[Math.floor(random() * special.length)]!;
    b[i] = other[i % 4]!;
  }
  // in JavaScript there is one NaN
  const values = (bits: Uint32Array) => new Float32Array(oneNaN(bits).buffer);
  return { a: values(a), b: values(b) };
}

/** What shaders/probe_float32.wgsl computes of two values. */
const RESULTS: readonly ((a: number, b: number) => number)[] = [
  (a, b) => f32(a + b),
  (a, b) => f32(a * b),
  (a, b) => f32(a / b),
  (a) => f32(Math.sqrt(a)),
  // of the bits
  (a) => f32(new Int32Array(Float32Array.of(a).buffer)[0]!),
  // a product that is added unrounded leaves its error
  (a, b) => f32(f32(a * b) - f32(a * b)),
  // compilers may make a product of it
  (a) => f32(a / 255),
];

/**
 * Does one of the ways to compute in float32 give IEEE's results on this device, subnormals included? (Native arithmetic is
 * not trusted with these.)
 *
 * @param way of shaders/arithmetic/
 */
export async function computesFloat32(device: GPUDevice, way: 'native' | 'integers'): Promise<boolean> {
  const { a, b } = operands();
  const products = a.map((x, i) => -f32(x * b[i]!));
  const key = {
    kernel: 'probe_float32' as const,
    slots: { arithmetic: `arithmetic/${way}` },
    overrides: {},
    counts: {},
  };
  const threads = CASES / PER_WORD;
  const size = CASES * 4 * RESULTS.length;
  const results = new Float32Array(
    await compute(device, key, [[a, b, products], [], Uint32Array.of(threads, 0, 0, 0)], threads, size),
  );
  return RESULTS.every((f, k) => {
    const wanted = bitsOf(a.map((x, i) => f(x, b[i]!)));
    const got = bitsOf(results.slice(k * CASES, (k + 1) * CASES));
    return wanted.every((bits, i) => bits === got[i]);
  });
}

/** What a device answers, once it was asked. */
function asked(ask: (device: GPUDevice) => Promise<boolean>): (device: GPUDevice) => Promise<boolean> {
  const answers = new WeakMap<GPUDevice, Promise<boolean>>();
  return (device) => {
    let answer = answers.get(device);
    if (!answer) {
      answer = onDevice(device, WHAT, () => ask(device));
      answers.set(device, answer);
      // no answer is none for ever
      answer.catch(() => answers.delete(device));
    }
    return answer;
  };
}

/** Does a device round to nearest, ties to even? */
export const roundsToNearestEven = asked(askRounding);

/** Is a device's own float32 arithmetic IEEE's, subnormals aside? */
export const hasFloat32 = asked((device) => computesFloat32(device, 'native'));
