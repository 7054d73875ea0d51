import type { Exchange } from '../kernels/from_nchw.ts';
import { align, geometryOf } from './memory.ts';
import { bindGroup, type Pipeline, type PipelineCache } from './pipelines.ts';

/** A dispatch and what it binds. */
interface Dispatch {
  readonly exchange: Exchange;
  readonly pipeline: Pipeline;
  readonly operands: readonly GPUBuffer[];
  readonly output: GPUBuffer;
  readonly uniform: GPUBuffer;
}

/** A few dispatches that belong to no plan, one after the other, and the buffers that live as long as they. */
export class Dispatches {
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #all: Dispatch[] = [];
  readonly #buffers: GPUBuffer[] = [];

  constructor(device: GPUDevice, pipelines: PipelineCache) {
    this.#device = device;
    this.#pipelines = pipelines;
  }

  async add(exchange: Exchange, operands: readonly GPUBuffer[], output: GPUBuffer): Promise<void> {
    const pipeline = await this.#pipelines.get(exchange);
    const uniform = this.upload(geometryOf(exchange), GPUBufferUsage.UNIFORM);
    this.#all.push({ exchange, pipeline, operands, output, uniform });
  }

  /** A buffer that is destroyed with the dispatches. */
  buffer(size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false): GPUBuffer {
    const buffer = this.#device.createBuffer({ size: align(Math.max(size, 16), 16), usage, mappedAtCreation });
    this.#buffers.push(buffer);
    return buffer;
  }

  /** The same, filled. */
  upload(data: ArrayBufferView, usage: GPUBufferUsageFlags = GPUBufferUsage.STORAGE): GPUBuffer {
    const buffer = this.buffer(data.byteLength, usage, true);
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    buffer.unmap();
    return buffer;
  }

  encode(encoder: GPUCommandEncoder): void {
    if (this.#all.length === 0) return;
    const pass = encoder.beginComputePass();
    for (const { exchange, pipeline, operands, output, uniform } of this.#all) {
      pass.setPipeline(pipeline.pipeline);
      for (const [index, buffers] of [[...operands, output], [], [uniform]].entries()) {
        const bindings = buffers.map((buffer) => ({ buffer }));
        pass.setBindGroup(index, bindGroup(this.#device, pipeline.layouts[index]!, bindings));
      }
      pass.dispatchWorkgroups(...exchange.workgroups);
    }
    pass.end();
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}
