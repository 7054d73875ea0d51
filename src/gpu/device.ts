import { DeviceError, InvalidInputError, NoWebGpuError } from '../errors.ts';
import { isRecord, kindOf } from '../kind_of.ts';
import type { Features } from '../kernels/features.ts';
import { hasFloat32, roundsToNearestEven } from './probe.ts';
import { adapterFamily, DEFAULT_PROFILES, type Profile } from '../plan/profile.ts';

/** `navigator.gpu`, where the environment has it. */
export function webgpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}

/** The WGSL language feature behind dot4I8Packed. */
export function hasPackedDot(): boolean {
  return webgpu()?.wgslLanguageFeatures?.has('packed_4x8_integer_dot_product') ?? false;
}

/** What is known of a device's adapter: browsers before Chrome 131 do not say. */
export function infoOf(device: GPUDevice): Partial<GPUAdapterInfo> {
  return (device.adapterInfo as GPUAdapterInfo | undefined) ?? {};
}

/**
 * What kernels may use of a device, which is asked how it rounds.
 *
 * @param float32 is it asked how it computes in float32, too? Only layers of float32 make use of it
 */
export async function featuresOf(device: GPUDevice, float32 = true): Promise<Features> {
  const { subgroupMinSize: min, subgroupMaxSize: max } = infoOf(device);
  const hasSubgroups = device.features.has('subgroups') && min !== undefined && max !== undefined;
  return {
    packedDot: hasPackedDot(),
    nearestEven: await roundsToNearestEven(device),
    ...(float32 && { float32: await hasFloat32(device) }),
    ...(hasSubgroups ? { subgroups: { min, max } } : {}),
    workgroupStorage: device.limits.maxComputeWorkgroupStorageSize,
    workgroupInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
  };
}

/** @throws InvalidInputError for what is no device */
export function checkDevice(device: unknown): void {
  if (!isRecord(device) || typeof device['createComputePipelineAsync'] !== 'function' || !isRecord(device['queue']))
    throw new InvalidInputError(`option 'device' is a GPUDevice; got ${kindOf(device)}`);
}

/** The profile for a device's family of adapters. */
export function profileOf(device: GPUDevice): Profile {
  return DEFAULT_PROFILES[adapterFamily(infoOf(device))];
}

/**
 * A device of the environment's own adapter, with the largest buffers and all the workgroup memory that it allows, and
 * subgroups where it has them.
 *
 * @param besides further features, where the adapter has them
 * @throws NoWebGpuError
 */
export async function requestDevice(besides: readonly GPUFeatureName[] = []): Promise<GPUDevice> {
  const gpu = webgpu();
  if (!gpu)
    throw new NoWebGpuError(
      'this environment has no WebGPU (navigator.gpu): browsers have it on pages from https or localhost (Chrome and Edge since 113, ' +
        'Safari since 26, Firefox since 141 on Windows); elsewhere give a device of your own',
    );
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new NoWebGpuError('WebGPU has no adapter here: no GPU, or one that the browser does not use');
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize } = adapter.limits;
    return await adapter.requestDevice({
      requiredFeatures: (['subgroups', ...besides] as GPUFeatureName[]).filter((name) => adapter.features.has(name)),
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize },
    });
  } catch (error) {
    throw error instanceof DeviceError
      ? error
      : new NoWebGpuError(`WebGPU gives no device: ${String(error)}`, { cause: error });
  }
}
