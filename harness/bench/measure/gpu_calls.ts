/** How often the page called WebGPU, since it began to be watched. */
export interface GpuCalls {
  readonly buffers: number;
  readonly textures: number;
  readonly bindGroups: number;
  readonly pipelines: number;
  readonly shaderModules: number;
  readonly querySets: number;
  readonly submits: number;
  readonly dispatches: number;
  /** Bytes of buffers that are alive. */
  readonly liveBytes: number;
  /** The most that `liveBytes` was. */
  readonly peakBytes: number;
}

type Counter = Exclude<keyof GpuCalls, 'liveBytes' | 'peakBytes'>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING: GpuCalls = {
  buffers: 0,
  textures: 0,
  bindGroups: 0,
  pipelines: 0,
  shaderModules: 0,
  querySets: 0,
  submits: 0,
  dispatches: 0,
  liveBytes: 0,
  peakBytes: 0,
};

let calls: Mutable<GpuCalls> | undefined;

/** Counts from now on every call that allocates or works, of any code, by wrapping WebGPU's own methods. */
export function watchGpu(): void {
  if (calls) return;
  const counts = (calls = { ...NOTHING });
  const count = (counter: Counter) => () => {
    counts[counter]++;
  };
  const methods: readonly (readonly [object, string, Counter])[] = [
    [GPUDevice.prototype, 'createTexture', 'textures'],
    [GPUDevice.prototype, 'createBindGroup', 'bindGroups'],
    [GPUDevice.prototype, 'createComputePipeline', 'pipelines'],
    [GPUDevice.prototype, 'createComputePipelineAsync', 'pipelines'],
    [GPUDevice.prototype, 'createRenderPipeline', 'pipelines'],
    [GPUDevice.prototype, 'createRenderPipelineAsync', 'pipelines'],
    [GPUDevice.prototype, 'createShaderModule', 'shaderModules'],
    [GPUDevice.prototype, 'createQuerySet', 'querySets'],
    [GPUQueue.prototype, 'submit', 'submits'],
    [GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches'],
    [GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', 'dispatches'],
    [GPURenderPassEncoder.prototype, 'draw', 'dispatches'],
  ];
  for (const [prototype, method, counter] of methods) wrap(prototype, method, count(counter));

  const alive = new WeakMap<object, number>();
  wrap(GPUDevice.prototype, 'createBuffer', (buffer) => {
    const { size } = buffer as GPUBuffer;
    alive.set(buffer as GPUBuffer, size);
    counts.buffers++;
    counts.liveBytes += size;
    counts.peakBytes = Math.max(counts.peakBytes, counts.liveBytes);
  });
  wrap(GPUBuffer.prototype, 'destroy', (_, buffer) => {
    counts.liveBytes -= alive.get(buffer) ?? 0;
    alive.delete(buffer);
  });
}

/** @throws RangeError where nobody watches */
function gpuCalls(): GpuCalls {
  if (!calls) throw new RangeError('watchGpu was not called');
  return { ...calls };
}

/** What `work` calls and allocates; `liveBytes` and `peakBytes` are above what was alive before. */
export async function callsOf(work: () => Promise<unknown>): Promise<GpuCalls> {
  const before = gpuCalls();
  calls!.peakBytes = before.liveBytes;
  await work();
  const after = gpuCalls();
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof GpuCalls]]);
  return { ...(Object.fromEntries(entries) as unknown as GpuCalls), peakBytes: after.peakBytes - before.liveBytes };
}

/** Has `after` see what each call of a method gives, and of whom. */
export function wrap(prototype: object, method: string, after: (result: unknown, self: object) => void): void {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method]!;
  methods[method] = function (this: object, ...args) {
    const result = original.apply(this, args);
    after(result, this);
    return result;
  };
}
