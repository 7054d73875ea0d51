import { DeviceError, InvalidInputError } from '../errors.ts';
import { elementCount, type ElementType, type TensorInfo } from '../graph/graph.ts';
import { KERNELS } from '../ops/kernels.ts';
import { extent, groupCount, pack, packedBytes, unpack } from '../ops/layout.ts';
import type { Step } from '../ops/step.ts';
import type { Plan } from '../plan/plan.ts';
import { Tensor } from '../tensor.ts';
import type { Trace, TracedTensor } from '../trace.ts';
import { scoped } from './device.ts';
import { accumulatorKey, pipelineKey, type Pipeline, type PipelineCache } from './pipelines.ts';

const UNIFORM_ALIGNMENT = 256;
const STORAGE_ALIGNMENT = 256;

const align = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** Many small arrays in one buffer, each at an offset that may be bound. */
class Arena {
  #bytes = 0;
  readonly #parts: { offset: number; data: Int32Array | Uint32Array }[] = [];
  readonly #seen = new Map<object, { offset: number; size: number }>();
  readonly #alignment: number;

  constructor(alignment: number) {
    this.#alignment = alignment;
  }

  add(data: Int32Array | Uint32Array): { offset: number; size: number } {
    const known = this.#seen.get(data);
    if (known) return known;
    const place = { offset: this.#bytes, size: Math.max(data.byteLength, 16) };
    this.#parts.push({ offset: place.offset, data });
    this.#seen.set(data, place);
    this.#bytes = align(place.offset + place.size, this.#alignment);
    return place;
  }

  upload(device: GPUDevice, label: string, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = device.createBuffer({ label, size: Math.max(16, this.#bytes), usage, mappedAtCreation: true });
    const mapped = new Uint8Array(buffer.getMappedRange());
    for (const { offset, data } of this.#parts)
      mapped.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    buffer.unmap();
    return buffer;
  }
}

interface Dispatch {
  readonly step: Step;
  readonly pipeline: Pipeline;
  readonly groups: readonly GPUBindGroup[];
  /** For other pipelines over the same operands (accumulators). */
  readonly bindings: { readonly operands: readonly GPUBufferBinding[]; readonly geometry: GPUBufferBinding };
}

function bindGroup(device: GPUDevice, layout: GPUBindGroupLayout, bindings: readonly GPUBufferBinding[]): GPUBindGroup {
  return device.createBindGroup({ layout, entries: bindings.map((resource, binding) => ({ binding, resource })) });
}

/** A plan on a device: pipelines, buffers and bind groups, made once. */
export class Executable {
  readonly plan: Plan;
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #dispatches: readonly Dispatch[];
  readonly #activations: readonly GPUBuffer[];
  readonly #constants: readonly GPUBuffer[];
  readonly #staging: GPUBuffer;
  /** One inference at a time: they share their buffers. */
  #queue: Promise<unknown> = Promise.resolve();
  #lost: string | undefined;
  #released = false;

  private constructor(
    plan: Plan,
    device: GPUDevice,
    pipelines: PipelineCache,
    dispatches: readonly Dispatch[],
    activations: readonly GPUBuffer[],
    constants: readonly GPUBuffer[],
    staging: GPUBuffer,
  ) {
    this.plan = plan;
    this.#device = device;
    this.#pipelines = pipelines;
    this.#dispatches = dispatches;
    this.#activations = activations;
    this.#constants = constants;
    this.#staging = staging;
    void device.lost.then(({ message, reason }) => {
      this.#lost = message || reason;
    });
  }

  /** @throws DeviceError where a shader does not compile, or memory is not to be had */
  static compile(device: GPUDevice, plan: Plan, pipelines: PipelineCache): Promise<Executable> {
    return scoped(device, 'compiling the plan', async () => {
      const compiled = plan.steps.map((step) => pipelines.get(pipelineKey(step)));
      const storage = new Arena(STORAGE_ALIGNMENT);
      const uniforms = new Arena(UNIFORM_ALIGNMENT);
      const places = plan.steps.map((step) => ({
        operands: step.operands.map((operand) => ('data' in operand ? storage.add(operand.data) : operand)),
        parameters: step.parameters.map((parameter) => ('tensor' in parameter ? parameter : storage.add(parameter))),
        geometry: uniforms.add(geometryOf(step)),
      }));
      const constants = storage.upload(device, 'constants', GPUBufferUsage.STORAGE);
      const geometry = uniforms.upload(device, 'geometry', GPUBufferUsage.UNIFORM);
      const activations = plan.buffers.map((bytes, index) =>
        device.createBuffer({
          label: `activations ${index}`,
          size: align(bytes, 16),
          usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        }),
      );
      const tensor = (name: string): GPUBufferBinding => ({
        buffer: activations[plan.bufferOf.get(name)!]!,
        size: packedBytes(plan.graph.tensors.get(name)!),
      });
      const dispatches: Dispatch[] = [];
      for (const [index, step] of plan.steps.entries()) {
        const pipeline = await compiled[index]!;
        const place = places[index]!;
        const bind = (at: { tensor: string } | { offset: number; size: number }): GPUBufferBinding =>
          'tensor' in at ? tensor(at.tensor) : { buffer: constants, ...at };
        const operands = place.operands.map(bind);
        const uniform = { buffer: geometry, ...place.geometry };
        dispatches.push({
          step,
          pipeline,
          groups: [
            bindGroup(device, pipeline.layouts[0], [...operands, tensor(step.output)]),
            bindGroup(device, pipeline.layouts[1], place.parameters.map(bind)),
            bindGroup(device, pipeline.layouts[2], [uniform]),
          ],
          bindings: { operands, geometry: uniform },
        });
      }
      const outputs = plan.graph.outputs.map((name) => packedBytes(plan.graph.tensors.get(name)!));
      const staging = device.createBuffer({
        label: 'outputs',
        size: outputs.reduce((sum, bytes) => sum + align(bytes, 16), 0),
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      return new Executable(plan, device, pipelines, dispatches, activations, [constants, geometry], staging);
    });
  }

  /** One inference: inputs written, one command buffer, one submit, outputs read. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    return this.#exclusively('running the model', async () => {
      this.#write(feeds);
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const dispatch of this.#dispatches) encodeDispatch(pass, dispatch);
      pass.end();
      let offset = 0;
      const places = this.plan.graph.outputs.map((name) => {
        const place = { info: this.#info(name), offset };
        offset += this.#copy(encoder, name, this.#staging, offset);
        return place;
      });
      this.#device.queue.submit([encoder.finish()]);
      await this.#staging.mapAsync(GPUMapMode.READ);
      const mapped = new Uint8Array(this.#staging.getMappedRange());
      const outputs = Object.fromEntries(
        places.map(({ info, offset: at }) => [info.name, tensorOf(info, mapped.slice(at, at + packedBytes(info)))]),
      );
      this.#staging.unmap();
      return outputs;
    });
  }

  /**
   * One inference by the same pipelines over the same buffers; each tensor is copied away as soon as it
   * is computed, and accumulators are computed beside it, so nothing changes for the inference itself.
   */
  trace(feeds: Readonly<Record<string, Tensor>>, accumulators: boolean): Promise<Trace> {
    return this.#exclusively('tracing the model', async () => {
      const { graph, views } = this.plan;
      const copies = new Map<string, GPUBuffer>();
      const sums = new Map<string, { kept: GPUBuffer; scratch: GPUBuffer }>();
      const temporary: GPUBuffer[] = [];
      const buffer = (size: number, usage: GPUBufferUsageFlags): GPUBuffer => {
        const made = this.#device.createBuffer({ size: align(size, 16), usage });
        temporary.push(made);
        return made;
      };
      try {
        this.#write(feeds);
        const encoder = this.#device.createCommandEncoder();
        for (const dispatch of this.#dispatches) {
          const { step } = dispatch;
          const info = this.#info(step.output);
          const pass = encoder.beginComputePass();
          encodeDispatch(pass, dispatch);
          if (accumulators && step.accumulates) {
            const size = groupCount(extent(info)) * 16;
            const scratch = buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
            const kept = buffer(size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
            encodeDispatch(pass, await this.#accumulatorDispatch(dispatch, scratch));
            sums.set(step.output, { kept, scratch });
          }
          pass.end();
          const copy = buffer(packedBytes(info), GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
          this.#copy(encoder, step.output, copy, 0);
          copies.set(step.output, copy);
          const sum = sums.get(step.output);
          if (sum) encoder.copyBufferToBuffer(sum.scratch, 0, sum.kept, 0, sum.kept.size);
        }
        this.#device.queue.submit([encoder.finish()]);

        const read = async <T extends ElementType>(from: GPUBuffer, info: TensorInfo & { type: T }) => {
          await from.mapAsync(GPUMapMode.READ);
          const data = unpack(new Uint8Array(from.getMappedRange()).slice(), info);
          from.unmap();
          return data;
        };
        const tensors = new Map<string, TracedTensor>();
        for (const input of graph.inputs)
          tensors.set(input.name, { ...traced(input), node: 'input', op: 'input', data: feeds[input.name]!.data });
        for (const node of graph.nodes) {
          const info = this.#info(node.outputs[0]!);
          const view = views.get(info.name);
          const data = view ? tensors.get(view)!.data.slice() : await read(copies.get(info.name)!, info);
          const sum = sums.get(info.name);
          tensors.set(info.name, {
            ...traced(info),
            node: node.name,
            op: node.op,
            data,
            ...(sum ? { accumulators: (await read(sum.kept, { ...info, type: 'int32' })) as Int32Array } : {}),
          });
        }
        const outputs = Object.fromEntries(
          graph.outputs.map((name) => {
            const { type, data, shape } = tensors.get(name)!;
            return [name, new Tensor(type, data as never, shape)];
          }),
        );
        return { tensors: [...tensors.values()], outputs };
      } finally {
        for (const made of temporary) made.destroy();
      }
    });
  }

  /** Frees the GPU's memory. Nothing can be run afterwards. */
  release(): void {
    this.#released = true;
    for (const buffer of [...this.#activations, ...this.#constants, this.#staging]) buffer.destroy();
  }

  #info(name: string): TensorInfo {
    return this.plan.graph.tensors.get(name)!;
  }

  async #exclusively<T>(what: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queue;
    const mine = (async () => {
      await before.catch(() => undefined);
      if (this.#released) throw new DeviceError(`${what}: the session was released`);
      if (this.#lost !== undefined) throw new DeviceError(`${what}: the device was lost (${this.#lost})`);
      try {
        return await scoped(this.#device, what, work);
      } catch (error) {
        // a loss that is known already is recorded before this goes on
        await Promise.race([this.#device.lost, Promise.resolve()]);
        if (this.#lost !== undefined)
          throw new DeviceError(`${what}: the device was lost (${this.#lost})`, { cause: error });
        throw error;
      }
    })();
    this.#queue = mine;
    return mine;
  }

  #write(feeds: Readonly<Record<string, Tensor>>): void {
    for (const info of this.plan.graph.inputs) {
      const buffer = this.#activations[this.plan.bufferOf.get(info.name)!]!;
      this.#device.queue.writeBuffer(buffer, 0, pack(feeds[info.name]!.data, info));
    }
  }

  /** @returns bytes, aligned for the next copy */
  #copy(encoder: GPUCommandEncoder, name: string, to: GPUBuffer, offset: number): number {
    const bytes = packedBytes(this.#info(name));
    encoder.copyBufferToBuffer(this.#activations[this.plan.bufferOf.get(name)!]!, 0, to, offset, bytes);
    return align(bytes, 16);
  }

  async #accumulatorDispatch(dispatch: Dispatch, output: GPUBuffer): Promise<Dispatch> {
    const pipeline = await this.#pipelines.get(accumulatorKey(dispatch.step));
    const { operands, geometry } = dispatch.bindings;
    return {
      ...dispatch,
      pipeline,
      groups: [
        bindGroup(this.#device, pipeline.layouts[0], [...operands, { buffer: output }]),
        bindGroup(this.#device, pipeline.layouts[1], []),
        bindGroup(this.#device, pipeline.layouts[2], [geometry]),
      ],
    };
  }
}

function encodeDispatch(pass: GPUComputePassEncoder, { step, pipeline, groups }: Dispatch): void {
  pass.setPipeline(pipeline.pipeline);
  for (const [index, group] of groups.entries()) pass.setBindGroup(index, group);
  pass.dispatchWorkgroups(...step.workgroups);
}

function geometryOf(step: Step): Uint32Array {
  return Uint32Array.from(KERNELS[step.kernel]!.geometry, (field) => step.geometry[field]!);
}

function traced(info: TensorInfo): Pick<TracedTensor, 'name' | 'type' | 'shape' | 'quantization'> {
  const { name, type, shape, quantization } = info;
  return { name, type, shape, ...(quantization ? { quantization } : {}) };
}

function tensorOf(info: TensorInfo, bytes: Uint8Array<ArrayBuffer>): Tensor {
  return new Tensor(info.type, unpack(bytes, info) as never, info.shape);
}

/** The index of the first NaN, or -1: without a call an element, for every inference asks. */
function firstNaN(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return i;
  return -1;
}

/**
 * Checks what the caller feeds: every input, no other, of its type and shape, without NaN (which no engine
 * quantizes to anything defined).
 */
export function checkFeeds(inputs: readonly TensorInfo[], feeds: Readonly<Record<string, Tensor>>): void {
  const names = inputs.map((input) => input.name);
  for (const name of Object.keys(feeds))
    if (!names.includes(name))
      throw new InvalidInputError(`the model has no input '${name}'; its inputs: ${names.join(', ')}`);
  for (const { name, type, shape } of inputs) {
    const feed = feeds[name];
    if (!feed) throw new InvalidInputError(`input '${name}' is missing; the model's inputs: ${names.join(', ')}`);
    if (feed.type !== type) throw new InvalidInputError(`input '${name}' is ${feed.type}; the model takes ${type}`);
    if (feed.data.length !== elementCount(shape) || feed.dims.some((d, i) => d !== shape[i]))
      throw new InvalidInputError(
        `input '${name}' has shape [${feed.dims.join(', ')}]; the model takes [${shape.join(', ')}]`,
      );
    if (type === 'float32') {
      const at = firstNaN(feed.data as Float32Array);
      if (at >= 0) throw new InvalidInputError(`input '${name}' holds NaN at element ${at}, which cannot be quantized`);
    }
  }
}
