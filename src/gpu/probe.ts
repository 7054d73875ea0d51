import { threadGrid } from '../kernels/step.ts';
import type { FormParameters } from '../requantize/form.ts';
import { nearestEven } from '../requantize/forms/nearest_even.ts';
import { f32 } from '../engines/rounding.ts';
import { scoped } from './device.ts';
import { onDevice } from './loss.ts';
import { PipelineCache } from './pipelines.ts';

const WHAT = 'asking how the device rounds';
const CASES = 4096;
const PER_WORD = 4;

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

/** Does the form `nearest_even` compute on this device what it computes on the host, at 4,096 places where roundings decide? */
async function ask(device: GPUDevice): Promise<boolean> {
  const { sums, lines } = roundingCases();
  const words = CASES / PER_WORD;
  const slots = { output: 'output/codes', form: 'requantize/nearest_even' };
  const key = { kernel: 'probe' as const, slots, overrides: { OUTPUT_SIGN: 0 }, counts: {} };
  const buffers: GPUBuffer[] = [];
  const upload = (data: Float32Array | Uint32Array | Int32Array, usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({ size: data.byteLength, usage, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer));
    buffer.unmap();
    buffers.push(buffer);
    return buffer;
  };
  const empty = (usage: GPUBufferUsageFlags): GPUBuffer => {
    const buffer = device.createBuffer({ size: CASES, usage });
    buffers.push(buffer);
    return buffer;
  };
  try {
    const { pipeline, layouts } = await PipelineCache.of(device).get(key);
    const staging = await scoped(device, WHAT, () => {
      const output = empty(GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
      const staging = empty(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
      const groups = [
        [upload(sums, GPUBufferUsage.STORAGE), output],
        nearestEven.pack!(lines).map((data) => upload(data, GPUBufferUsage.STORAGE)),
        [upload(Uint32Array.of(words, 0, 0, 0), GPUBufferUsage.UNIFORM)],
      ];
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      for (const [index, members] of groups.entries()) {
        const entries = members.map((buffer, binding) => ({ binding, resource: { buffer } }));
        pass.setBindGroup(index, device.createBindGroup({ layout: layouts[index]!, entries }));
      }
      pass.dispatchWorkgroups(...threadGrid(words));
      pass.end();
      encoder.copyBufferToBuffer(output, 0, staging, 0, CASES);
      device.queue.submit([encoder.finish()]);
      return staging;
    });
    await staging.mapAsync(GPUMapMode.READ);
    const codes = new Uint8Array(staging.getMappedRange());
    return lines.every((line, i) => codes[i] === nearestEven.evaluate(line, undefined as never, sums[i]!));
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

const ANSWERS = new WeakMap<GPUDevice, Promise<boolean>>();

/** Does a device round to nearest, ties to even? It is asked once. */
export function roundsToNearestEven(device: GPUDevice): Promise<boolean> {
  let answer = ANSWERS.get(device);
  if (!answer) {
    answer = onDevice(device, WHAT, () => ask(device));
    ANSWERS.set(device, answer);
    // no answer is none for ever
    answer.catch(() => ANSWERS.delete(device));
  }
  return answer;
}
