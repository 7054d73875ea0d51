import { hasPackedDot, requestDevice } from '../../../src/gpu/device.ts';
import copy from '../roof/copy.wgsl?raw';
import dotF32 from '../roof/dot_f32.wgsl?raw';
import dotPacked from '../roof/dot_packed.wgsl?raw';
import empty from '../roof/empty.wgsl?raw';
import fma from '../roof/fma.wgsl?raw';
import { PassTimer } from './timer.ts';

/** What the adapter does at most, as micro-benchmarks find it. */
export interface Roof {
  /** 10^9 multiply-adds a second: the best of `arithmetic`. */
  readonly gmacs: number;
  /** 10^9 bytes a second, read and written: the best of `memory`. */
  readonly gbytes: number;
  /** Milliseconds of a dispatch that does nothing. */
  readonly dispatchMs: number;
  /** GMAC/s of each kind of arithmetic, in registers. */
  readonly arithmetic: Readonly<Record<string, number>>;
  /** Gbyte/s of a copy, by the MiB that it reads. */
  readonly memory: Readonly<Record<string, number>>;
  /** Whether GPU timestamps were there; submits are timed otherwise. */
  readonly timestamps: boolean;
}

/** Multiply-adds a round of the loop in each shader. */
const ARITHMETIC = [
  { name: 'f32 fma', code: fma, macs: 32 },
  { name: 'f32 dot', code: dotF32, macs: 64 },
  { name: 'dot4I8Packed', code: dotPacked, macs: 32 },
] as const;
const ROUNDS = 2048;
const SIZES_MIB = [1, 4, 16, 64];
const MIB = 2 ** 20;
const WORKGROUP = 64;
const MOST_WORKGROUPS = 65535;
/** Long enough that the ends of a measurement do not count. */
const LONG_MS = 30;
const REPETITIONS = 5;
const DISPATCHES = 500;

/** Every figure is the best of several: the roof is what the adapter can do. */
export async function measureRoof(): Promise<Roof> {
  const device = await requestDevice(['timestamp-query']);
  const timer = new PassTimer(device);
  try {
    const arithmetic: Record<string, number> = {};
    for (const { name, code, macs } of ARITHMETIC)
      if (name !== 'dot4I8Packed' || hasPackedDot()) arithmetic[name] = await arithmeticRoof(timer, code, macs);
    const memory: Record<string, number> = {};
    for (const mib of SIZES_MIB)
      if (mib * MIB <= device.limits.maxStorageBufferBindingSize) memory[mib] = await copyRoof(timer, mib * MIB);
    return {
      gmacs: Math.max(...Object.values(arithmetic)),
      gbytes: Math.max(...Object.values(memory)),
      dispatchMs: await dispatchCost(timer),
      arithmetic,
      memory,
      timestamps: timer.byTimestamps,
    };
  } finally {
    timer.release();
    device.destroy();
  }
}

async function arithmeticRoof(timer: PassTimer, code: string, macs: number): Promise<number> {
  const { device } = timer;
  const output = device.createBuffer({ size: 4 * WORKGROUP * MOST_WORKGROUPS, usage: GPUBufferUsage.STORAGE });
  const pass = await prepare(device, code, [output], { ROUNDS });
  let workgroups = 16;
  while ((await pass.time(timer, workgroups)) < LONG_MS && workgroups < MOST_WORKGROUPS)
    workgroups = Math.min(MOST_WORKGROUPS, 2 * workgroups);
  const ms = await best(() => pass.time(timer, workgroups));
  output.destroy();
  return (workgroups * WORKGROUP * ROUNDS * macs) / ms / 1e6;
}

async function copyRoof(timer: PassTimer, bytes: number): Promise<number> {
  const { device } = timer;
  const buffers = [0, 1].map(() => device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE }));
  const pass = await prepare(device, copy, buffers);
  // a power of two of workgroups, so that both factors are whole
  const workgroups = bytes / 16 / WORKGROUP;
  const x = Math.min(workgroups, 2 ** 15);
  let repeats = 1;
  while ((await pass.time(timer, x, workgroups / x, repeats)) < LONG_MS && repeats < 4096) repeats *= 2;
  const ms = await best(() => pass.time(timer, x, workgroups / x, repeats));
  for (const buffer of buffers) buffer.destroy();
  return (2 * bytes * repeats) / ms / 1e6;
}

async function dispatchCost(timer: PassTimer): Promise<number> {
  const { device } = timer;
  const output = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  const pass = await prepare(device, empty, [output]);
  await pass.time(timer, 1);
  const ms = await best(() => pass.time(timer, 1, 1, DISPATCHES));
  output.destroy();
  return ms / DISPATCHES;
}

async function best(measure: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < REPETITIONS; i++) least = Math.min(least, await measure());
  return least;
}

async function prepare(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
  constants: Record<string, number> = {},
) {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, constants } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return {
    /** Milliseconds of `repeats` dispatches in one pass. */
    time: (timer: PassTimer, x: number, y = 1, repeats = 1): Promise<number> =>
      timer.time(async () => {
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(x, y);
        pass.end();
        device.queue.submit([encoder.finish()]);
      }),
  };
}
