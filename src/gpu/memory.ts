import { KERNELS } from '../kernels/interfaces.ts';
import { pack, packedBytes } from '../layers/layout.ts';
import { boundBytes } from '../kernels/software/lengths.ts';
import type { Step } from '../kernels/step.ts';
import { constantOutputs } from '../plan/buffers.ts';
import type { Plan } from '../plan/steps.ts';

const UNIFORM_ALIGNMENT = 256;
const STORAGE_ALIGNMENT = 256;

/** The next multiple of `to`. */
export const align = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

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

/**
 * Inferences that are under way at the same time: while one is computed, the inputs of the next are written and the
 * outputs of the last are read.
 */
export const IN_FLIGHT = 2;

/** What each dispatch binds. */
export interface Bindings {
  readonly operands: readonly GPUBufferBinding[];
  readonly output: GPUBufferBinding;
  readonly parameters: readonly GPUBufferBinding[];
  readonly geometry: GPUBufferBinding;
}

export interface Memory {
  readonly activations: readonly GPUBuffer[];
  /** For the outputs of as many inferences as are under way. */
  readonly staging: readonly GPUBuffer[];
  /** A step each. */
  readonly bindings: readonly Bindings[];
  readonly all: readonly GPUBuffer[];
}

/** Where a slot's buffer holds the outputs. */
export function placesOf({
  graph,
}: Plan): { readonly name: string; readonly offset: number; readonly bytes: number }[] {
  let end = 0;
  return graph.outputs.map((name) => {
    const bytes = packedBytes(graph.tensors.get(name)!);
    const offset = end;
    end += align(bytes, 16);
    return { name, offset, bytes };
  });
}

/**
 * Buffers for everything that a plan holds, its constants filled in.
 *
 * @param all where every buffer is noted as soon as it is made
 */
export function allocate(device: GPUDevice, plan: Plan, all: GPUBuffer[]): Memory {
  const noted = (buffer: GPUBuffer): GPUBuffer => {
    all.push(buffer);
    return buffer;
  };
  const make = (label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer =>
    noted(device.createBuffer({ label, size: align(bytes, 16), usage }));
  const storage = new Arena(STORAGE_ALIGNMENT);
  const uniforms = new Arena(UNIFORM_ALIGNMENT);
  const places = plan.steps.map((step) => ({
    operands: step.operands.map((operand) => ('data' in operand ? storage.add(operand.data) : operand)),
    parameters: step.parameters.map((parameter) => ('tensor' in parameter ? parameter : storage.add(parameter))),
    geometry: uniforms.add(geometryOf(step)),
  }));
  const constants = noted(storage.upload(device, 'constants', GPUBufferUsage.STORAGE));
  const geometry = noted(uniforms.upload(device, 'geometry', GPUBufferUsage.UNIFORM));
  const activations = plan.buffers.map((bytes, index) =>
    make(`activations ${index}`, bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST),
  );
  for (const constant of constantOutputs(plan.graph))
    device.queue.writeBuffer(activations[plan.bufferOf.get(constant.name)!]!, 0, pack(constant.data, constant));
  const { offset = 0, bytes = 0 } = placesOf(plan).at(-1) ?? {};
  const staging = Array.from({ length: IN_FLIGHT }, (_, slot) =>
    make(`outputs ${slot}`, offset + bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
  );
  const bindings = plan.steps.map((step, index): Bindings => {
    const place = places[index]!;
    const tensor = (name: string): GPUBufferBinding => ({
      buffer: activations[plan.bufferOf.get(name)!]!,
      offset: plan.offsets.get(name) ?? 0,
      size: boundBytes(step, plan.tensors.get(name)!),
    });
    const bind = (at: { tensor: string } | { offset: number; size: number }): GPUBufferBinding =>
      'tensor' in at ? tensor(at.tensor) : { buffer: constants, ...at };
    return {
      operands: place.operands.map(bind),
      output: tensor(step.output),
      parameters: place.parameters.map(bind),
      geometry: { buffer: geometry, ...place.geometry },
    };
  });
  return { activations, staging, bindings, all };
}

/** A step's uniform: the fields of its kernel's Geometry. */
export function geometryOf({ kernel, geometry }: Pick<Step, 'kernel' | 'geometry'>): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(KERNELS[kernel].geometry, (field) => geometry[field]!);
}
