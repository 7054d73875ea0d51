import { refuseNaN } from '../feeds.ts';
import { elementCount, newElementData, type ElementArrays, type TensorInfo } from '../graph/graph.ts';
import { findNan, NAN_WORDS } from '../kernels/find_nan.ts';
import { denseBytes, fromNchw } from '../kernels/from_nchw.ts';
import { toNchw } from '../kernels/to_nchw.ts';
import { Tensor } from '../tensor.ts';
import { Dispatches } from './dispatches.ts';
import { onDevice } from './loss.ts';
import type { PipelineCache } from './pipelines.ts';

/**
 * What one inference moves between buffers of the caller's and tensors in GPU memory. Its own buffers live as long as
 * the inference; those of outputs belong to the tensors that are handed out.
 */
export class Exchanges {
  readonly #device: GPUDevice;
  readonly #before: Dispatches;
  readonly #after: Dispatches;
  /** Which float32 inputs are looked through, where what was found is left, and where that is read. */
  readonly #looked: { readonly name: string; readonly found: GPUBuffer; readonly read: GPUBuffer }[] = [];
  /** Outputs in buffers that were made for them. */
  readonly #given = new Map<TensorInfo, GPUBuffer>();

  constructor(device: GPUDevice, pipelines: PipelineCache) {
    this.#device = device;
    this.#before = new Dispatches(device, pipelines);
    this.#after = new Dispatches(device, pipelines);
  }

  /** An input: from the caller's buffer into a tensor of the plan. */
  async take(info: TensorInfo, from: GPUBuffer, to: GPUBuffer): Promise<void> {
    await this.#before.add(fromNchw(info), [from], to);
    if (info.type !== 'float32') return;
    const size = NAN_WORDS * 4;
    const found = this.#before.buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    const read = this.#before.buffer(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    this.#looked.push({ name: info.name, found, read });
    await this.#before.add(findNan(info), [from], found);
  }

  /** An output: from a tensor of the plan into the caller's buffer, or into one that is made for it. */
  async give(info: TensorInfo, from: GPUBuffer, to?: GPUBuffer): Promise<void> {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const made = to ?? this.#device.createBuffer({ label: info.name, size: Math.max(denseBytes(info), 16), usage });
    if (!to) this.#given.set(info, made);
    await this.#after.add(toNchw(info), [from], made);
  }

  encodeBefore(encoder: GPUCommandEncoder): void {
    this.#before.encode(encoder);
  }

  encodeAfter(encoder: GPUCommandEncoder): void {
    this.#after.encode(encoder);
    for (const { found, read } of this.#looked) encoder.copyBufferToBuffer(found, 0, read, 0, found.size);
  }

  /** @throws InvalidInputError where an input held NaN: the outputs mean nothing then */
  async expectNumbers(): Promise<void> {
    await Promise.all(this.#looked.map(({ read }) => read.mapAsync(GPUMapMode.READ)));
    for (const { name, read } of this.#looked) {
      const found = new Uint32Array(read.getMappedRange()).filter((element) => element > 0);
      if (found.length > 0) refuseNaN(name, Math.min(...found) - 1);
    }
  }

  /** The outputs that stay on the GPU, in buffers of their own. */
  given(): [string, Tensor][] {
    return [...this.#given].map(([info, buffer]) => [info.name, tensorOnGpu(this.#device, info, buffer)]);
  }

  /** Where there are no outputs after all. */
  takeBack(): void {
    for (const buffer of this.#given.values()) buffer.destroy();
  }

  destroy(): void {
    this.#before.destroy();
    this.#after.destroy();
  }
}

type Typed = Pick<TensorInfo, 'name' | 'type' | 'shape'>;

/** A tensor whose elements stay on the GPU until they are asked for. */
export function tensorOnGpu(device: GPUDevice, info: Typed, buffer: GPUBuffer): Tensor {
  return Tensor.fromGpuBuffer(buffer, {
    dataType: info.type,
    dims: info.shape,
    download: () => download(device, info, buffer),
    dispose: () => buffer.destroy(),
  });
}

/** @throws DeviceError where the device is lost */
function download(device: GPUDevice, info: Typed, from: GPUBuffer): Promise<ElementArrays[TensorInfo['type']]> {
  const what = `reading ${info.name}`;
  return onDevice(device, what, async () => {
    const size = denseBytes(info);
    const read = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    try {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(from, 0, read, 0, size);
      device.queue.submit([encoder.finish()]);
      await read.mapAsync(GPUMapMode.READ);
      const data = newElementData(info.type, elementCount(info.shape));
      new Uint8Array(data.buffer).set(new Uint8Array(read.getMappedRange(), 0, data.byteLength));
      return data;
    } finally {
      read.destroy();
    }
  });
}
