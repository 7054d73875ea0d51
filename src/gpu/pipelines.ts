import { DeviceError } from '../errors.ts';
import { KERNELS } from '../kernels/interfaces.ts';
import type { KernelName, Specialization } from '../kernels/kernel.ts';
import { linkShader, loadShader, type LinkedShader } from './shaders.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  /** Operands and output; parameters; geometry. */
  readonly layouts: readonly [GPUBindGroupLayout, GPUBindGroupLayout, GPUBindGroupLayout];
}

function layoutsOf(device: GPUDevice, kernel: KernelName, parameters: number): Pipeline['layouts'] {
  const layout = (types: readonly GPUBufferBindingType[]): GPUBindGroupLayout =>
    device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
  const read = (count: number): GPUBufferBindingType[] => Array.from({ length: count }, () => 'read-only-storage');
  return [layout([...read(KERNELS[kernel].operands.length), 'storage']), layout(read(parameters)), layout(['uniform'])];
}

/** Buffers, in binding order. */
export function bindGroup(
  device: GPUDevice,
  layout: GPUBindGroupLayout,
  bindings: readonly GPUBufferBinding[],
): GPUBindGroup {
  return device.createBindGroup({ layout, entries: bindings.map((resource, binding) => ({ binding, resource })) });
}

/** The compiler's messages, each with the shader file and line that it is about. */
async function compilerMessages(module: GPUShaderModule, shader: LinkedShader): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  return messages
    .filter((message) => message.type === 'error')
    .map(({ lineNum, linePos, message }) => {
      const { file, line } = shader.origin(lineNum);
      return `\n${file}:${line} (expanded: ${lineNum}:${linePos}): ${message}\n  ${shader.code.split('\n')[lineNum - 1] ?? ''}`;
    })
    .join('');
}

const moduleId = ({ kernel, slots, counts }: Specialization): string => JSON.stringify([kernel, slots, counts]);

const CACHES = new WeakMap<GPUDevice, PipelineCache>();

/** Compiles pipelines, each distinct one once, all at the same time. Steps that agree in what decides it share one. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  readonly #modules = new Map<string, { shader: LinkedShader; module: GPUShaderModule }>();

  private constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The cache of a device: sessions on one device compile nothing twice. */
  static of(device: GPUDevice): PipelineCache {
    let cache = CACHES.get(device);
    if (!cache) CACHES.set(device, (cache = new PipelineCache(device)));
    return cache;
  }

  get(key: Specialization): Promise<Pipeline> {
    const id = JSON.stringify([key.kernel, key.slots, key.counts, key.overrides]);
    let found = this.#pipelines.get(id);
    if (!found) {
      found = this.#compile(key);
      this.#pipelines.set(id, found);
      // memory that is not there now may be there later
      found.catch(() => this.#pipelines.delete(id));
    }
    return found;
  }

  async #compile(key: Specialization): Promise<Pipeline> {
    const loading = loadShader(key);
    if (loading) await loading;
    const { shader, module } = this.#module(key);
    const layouts = layoutsOf(this.#device, key.kernel, shader.bindings.length);
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: shader.label,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [...layouts] }),
        compute: { module, entryPoint: 'main', constants: key.overrides },
      });
      return { pipeline, layouts };
    } catch (cause) {
      // Chrome answers for its messages only once
      this.#modules.delete(moduleId(key));
      const messages = await compilerMessages(module, shader);
      throw new DeviceError(`shader '${shader.label}' does not compile: ${messages || String(cause)}`, { cause });
    }
  }

  #module(key: Specialization): { shader: LinkedShader; module: GPUShaderModule } {
    const id = moduleId(key);
    let found = this.#modules.get(id);
    if (!found) {
      const shader = linkShader(key);
      found = { shader, module: this.#device.createShaderModule({ label: shader.label, code: shader.code }) };
      this.#modules.set(id, found);
    }
    return found;
  }
}
