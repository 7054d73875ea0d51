import { DeviceError } from '../errors.ts';
import type { ElementData, ElementType, TensorInfo } from '../graph/graph.ts';
import { extent, groupCount, pack, packedBytes, unpack } from '../layers/layout.ts';
import type { Step } from '../kernels/step.ts';
import { sumBytes, summing } from '../kernels/software/lengths.ts';
import type { Plan } from '../plan/steps.ts';
import { Tensor } from '../tensor.ts';
import type { Trace, TracedTensor } from '../trace.ts';
import { scoped } from './scoped.ts';
import { Exchanges } from './exchange.ts';
import { giveBack, type TakenInputs } from './inputs.ts';
import { onDevice } from './loss.ts';
import { align, allocate, IN_FLIGHT, placesOf, type Bindings, type Memory } from './memory.ts';
import { bindGroup, type Pipeline, type PipelineCache } from './pipelines.ts';

interface Dispatch {
  readonly step: Step;
  readonly pipeline: Pipeline;
  readonly groups: readonly GPUBindGroup[];
  /** For other pipelines over the same operands (accumulators). */
  readonly bindings: Bindings;
}

/** Where the outputs of an inference are read from, and the last inference that used it. */
interface Slot {
  readonly staging: GPUBuffer;
  last: Promise<unknown>;
}

/** Outputs by name, and where each is wanted: on the host, on the GPU, or there in a buffer of the caller's. */
export type Fetches = ReadonlyMap<string, 'cpu' | 'gpu-buffer' | GPUBuffer>;

function allOutputs({ graph }: Plan): Fetches {
  return new Map(graph.outputs.map((name) => [name, 'cpu']));
}

/** A plan on a device: pipelines, buffers and bind groups, made once. */
export class Executable {
  readonly plan: Plan;
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #dispatches: readonly Dispatch[];
  readonly #activations: readonly GPUBuffer[];
  readonly #buffers: readonly GPUBuffer[];
  /** They take turns. All else inferences share: a queue does one thing after the other. */
  readonly #slots: readonly Slot[];
  #runs = 0;
  /** Its copies are as large as all tensors together: one at a time. */
  #lastTrace: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    plan: Plan,
    device: GPUDevice,
    pipelines: PipelineCache,
    dispatches: readonly Dispatch[],
    memory: Memory,
  ) {
    this.plan = plan;
    this.#device = device;
    this.#pipelines = pipelines;
    this.#dispatches = dispatches;
    this.#activations = memory.activations;
    this.#buffers = memory.all;
    this.#slots = memory.staging.map((staging) => ({ staging, last: Promise.resolve() }));
  }

  /** @throws DeviceError where a shader does not compile, or memory is not to be had */
  static async compile(device: GPUDevice, plan: Plan, pipelines: PipelineCache): Promise<Executable> {
    const what = 'compiling the plan';
    const all: GPUBuffer[] = [];
    let compiling: Promise<Pipeline>[] = [];
    return onDevice(device, what, async () => {
      // memory is filled while pipelines compile
      const filling = scoped(device, what, () => {
        compiling = plan.steps.map((step) => pipelines.get(step));
        return allocate(device, plan, all);
      });
      const settled = await Promise.allSettled([Promise.all(compiling), filling]);
      // what a pipeline says of itself says more
      for (const result of settled) if (result.status === 'rejected') throw result.reason;
      const [compiled, memory] = [await Promise.all(compiling), await filling];
      const dispatches = await scoped(device, what, () =>
        plan.steps.map((step, index) => dispatchOf(device, step, compiled[index]!, memory.bindings[index]!)),
      );
      return new Executable(plan, device, pipelines, dispatches, memory);
    }).catch((error: unknown) => {
      for (const buffer of all) buffer.destroy();
      throw error;
    });
  }

  /**
   * One inference: inputs written, one command buffer, one submit, outputs read. Calls that do not wait for one another
   * overlap; where all is fed from the host and read there, they allocate nothing either.
   *
   * @param inputs from `takeInputs`
   * @param fetches the outputs that are wanted, and where; default: all, on the host
   */
  run(inputs: TakenInputs, fetches: Fetches = allOutputs(this.plan)): Promise<Record<string, Tensor>> {
    const what = 'running the model';
    const slot = this.#slots[this.#runs++ % IN_FLIGHT]!;
    const mine = this.#after(slot.last, what, async () => {
      const { staging } = slot;
      const exchanges = new Exchanges(this.#device, this.#pipelines);
      const places = placesOf(this.plan).filter(({ name }) => fetches.get(name) === 'cpu');
      try {
        for (const [name, from] of inputs.buffers) await exchanges.take(this.#info(name), from, this.#bufferOf(name));
        for (const [name, to] of fetches)
          if (to !== 'cpu')
            await exchanges.give(this.#info(name), this.#bufferOf(name), to === 'gpu-buffer' ? undefined : to);
        const submitted = scoped(this.#device, what, () => {
          this.#write(inputs);
          const encoder = this.#device.createCommandEncoder();
          exchanges.encodeBefore(encoder);
          const pass = encoder.beginComputePass();
          for (const dispatch of this.#dispatches) encodeDispatch(pass, dispatch);
          pass.end();
          for (const { name, offset } of places) this.#copy(encoder, name, staging, offset);
          exchanges.encodeAfter(encoder);
          this.#device.queue.submit([encoder.finish()]);
        });
        const mapped = places.length > 0 ? staging.mapAsync(GPUMapMode.READ) : undefined;
        await Promise.all([submitted, exchanges.expectNumbers(), mapped]);
        const bytes = places.length > 0 ? new Uint8Array(staging.getMappedRange()) : new Uint8Array();
        const read = places.map(({ name, offset, bytes: count }): [string, Tensor] => [
          name,
          tensorOf(this.#info(name), bytes.slice(offset, offset + count)),
        ]);
        return Object.fromEntries([...read, ...exchanges.given()]);
      } catch (error) {
        exchanges.takeBack();
        throw error;
      } finally {
        if (places.length > 0) staging.unmap();
        exchanges.destroy();
      }
    });
    slot.last = mine;
    return mine;
  }

  /**
   * One inference by the same pipelines over the same buffers; each tensor is copied away as soon as it
   * is computed, and accumulators are computed beside it, so nothing changes for the inference itself.
   *
   * @param inputs from `takeInputs`
   */
  trace(inputs: TakenInputs, accumulators: boolean): Promise<Trace> {
    const what = 'tracing the model';
    const temporary: GPUBuffer[] = [];
    const buffer = (size: number, usage: GPUBufferUsageFlags): GPUBuffer => {
      const made = this.#device.createBuffer({ size: align(size, 16), usage });
      temporary.push(made);
      return made;
    };
    const summed = this.#dispatches.filter(({ step }) => accumulators && step.accumulates);
    const mine = this.#after(this.#lastTrace, what, async () => {
      try {
        const pipelines = new Map<Dispatch, Pipeline>();
        for (const dispatch of summed) pipelines.set(dispatch, await this.#pipelines.get(summing(dispatch.step)));
        const given = this.plan.graph.inputs.map((info) => unpack(inputs.packed.get(info.name)!, info));
        const copies = await scoped(this.#device, what, () => this.#copyEach(inputs, pipelines, buffer));
        return await this.#readTrace(given, copies);
      } finally {
        for (const made of temporary) made.destroy();
      }
    });
    this.#lastTrace = mine;
    return mine;
  }

  /** Submits an inference that leaves copies of all tensors, and of their sums where there are pipelines for them. */
  #copyEach(
    inputs: TakenInputs,
    pipelines: ReadonlyMap<Dispatch, Pipeline>,
    buffer: (size: number, usage: GPUBufferUsageFlags) => GPUBuffer,
  ): Map<string, TensorCopy> {
    const copies = new Map<string, TensorCopy>();
    // one after the other, for they may be larger than what is copied
    const scratchBytes = [...pipelines.keys()].map(({ step }) =>
      sumBytes(step, groupCount(extent(this.#info(step.output)))),
    );
    const scratch =
      scratchBytes.length > 0
        ? buffer(Math.max(...scratchBytes), GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC)
        : undefined;
    this.#write(inputs);
    const encoder = this.#device.createCommandEncoder();
    for (const dispatch of this.#dispatches) {
      const { output } = dispatch.step;
      const info = this.#info(output);
      const bytes = packedBytes(info);
      const tensor = buffer(bytes, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
      const summing = pipelines.get(dispatch);
      const size = groupCount(extent(info)) * 16;
      const sums = summing && buffer(size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
      const pass = encoder.beginComputePass();
      encodeDispatch(pass, dispatch);
      if (summing) encodeDispatch(pass, summingDispatch(this.#device, dispatch, summing, scratch!));
      pass.end();
      this.#copy(encoder, output, tensor, 0);
      if (sums) encoder.copyBufferToBuffer(scratch!, 0, sums, 0, size);
      copies.set(output, { tensor, ...(sums && { sums }) });
    }
    this.#device.queue.submit([encoder.finish()]);
    return copies;
  }

  /** @param given the inputs' elements */
  async #readTrace(given: readonly ElementData[], copies: ReadonlyMap<string, TensorCopy>): Promise<Trace> {
    const { graph, views } = this.plan;
    const read = async <T extends ElementType>(from: GPUBuffer, info: TensorInfo & { type: T }) => {
      await from.mapAsync(GPUMapMode.READ);
      const data = unpack(new Uint8Array(from.getMappedRange()).slice(), info);
      from.unmap();
      return data;
    };
    const tensors = new Map<string, TracedTensor>();
    for (const [i, input] of graph.inputs.entries())
      tensors.set(input.name, { ...traced(input), node: 'input', op: 'input', data: given[i]! });
    for (const node of graph.nodes) {
      const info = this.#info(node.outputs[0]!);
      const view = views.get(info.name);
      const copy = copies.get(info.name);
      // the same memory, in which a view may have its elements in another order
      const data = view
        ? unpack(pack(tensors.get(view)!.data, this.#info(view)), info)
        : await read(copy!.tensor, info);
      const sums = copy?.sums;
      tensors.set(info.name, {
        ...traced(info),
        node: node.name,
        op: node.op,
        data,
        ...(sums ? { accumulators: (await read(sums, { ...info, type: 'int32' })) as Int32Array } : {}),
      });
    }
    const outputs = Object.fromEntries(
      graph.outputs.map((name) => {
        const { type, data, shape } = graph.constants.get(name) ?? tensors.get(name)!;
        return [name, new Tensor(type, data.slice() as never, shape)];
      }),
    );
    return { tensors: [...tensors.values()], outputs };
  }

  /** Frees the GPU's memory once nothing is under way. */
  async retire(): Promise<void> {
    await Promise.allSettled([...this.#slots.map(({ last }) => last), this.#lastTrace]);
    this.release();
  }

  /** Frees the GPU's memory. Nothing can be run afterwards. */
  release(): void {
    this.#released = true;
    for (const buffer of this.#buffers) buffer.destroy();
  }

  #info(name: string): TensorInfo {
    return this.plan.tensors.get(name)!;
  }

  /** @throws DeviceError whatever happens to the device meanwhile */
  async #after<T>(before: Promise<unknown>, what: string, work: () => Promise<T>): Promise<T> {
    await before.catch(() => undefined);
    if (this.#released) throw new DeviceError(`${what}: the session was released`);
    try {
      return await onDevice(this.#device, what, work);
    } catch (cause) {
      throw this.#released ? new DeviceError(`${what}: the session was released`, { cause }) : cause;
    }
  }

  #write(inputs: TakenInputs): void {
    for (const [name, packed] of inputs.packed) this.#device.queue.writeBuffer(this.#bufferOf(name), 0, packed);
    giveBack(this.plan, inputs);
  }

  #copy(encoder: GPUCommandEncoder, name: string, to: GPUBuffer, offset: number): void {
    encoder.copyBufferToBuffer(this.#bufferOf(name), 0, to, offset, packedBytes(this.#info(name)));
  }

  #bufferOf(name: string): GPUBuffer {
    return this.#activations[this.plan.bufferOf.get(name)!]!;
  }
}

/** Copies that a trace leaves of a dispatch: its output, and its int32 sums. */
interface TensorCopy {
  readonly tensor: GPUBuffer;
  readonly sums?: GPUBuffer;
}

function dispatchOf(device: GPUDevice, step: Step, pipeline: Pipeline, bindings: Bindings): Dispatch {
  const { operands, output, parameters, geometry } = bindings;
  const groups = [[...operands, output], parameters, [geometry]].map((group, index) =>
    bindGroup(device, pipeline.layouts[index]!, group),
  );
  return { step, pipeline, groups, bindings };
}

/** The same dispatch by the pipeline that gives its sums, which reads no parameters. */
function summingDispatch(device: GPUDevice, { step, bindings }: Dispatch, pipeline: Pipeline, to: GPUBuffer): Dispatch {
  return dispatchOf(device, step, pipeline, { ...bindings, output: { buffer: to }, parameters: [] });
}

function encodeDispatch(pass: GPUComputePassEncoder, { step, pipeline, groups }: Dispatch): void {
  pass.setPipeline(pipeline.pipeline);
  for (const [index, group] of groups.entries()) pass.setBindGroup(index, group);
  pass.dispatchWorkgroups(...step.workgroups);
}

function traced(info: TensorInfo): Pick<TracedTensor, 'name' | 'type' | 'shape' | 'quantization'> {
  const { name, type, shape, quantization } = info;
  return { name, type, shape, ...(quantization ? { quantization } : {}) };
}

function tensorOf(info: TensorInfo, bytes: Uint8Array<ArrayBuffer>): Tensor {
  return new Tensor(info.type, unpack(bytes, info) as never, info.shape);
}
