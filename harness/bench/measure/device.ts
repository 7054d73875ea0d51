import { webgpu } from '../../../src/gpu/device.ts';
import { DeviceError } from '../../../src/errors.ts';

/**
 * A device of the same adapter as the library's own, with the largest limits and every feature of it: timestamps
 * among them, where the adapter has them.
 *
 * @throws DeviceError where there is no WebGPU or no adapter
 */
export async function measuringDevice(): Promise<GPUDevice> {
  const adapter = await webgpu()?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new DeviceError('WebGPU has no adapter here');
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize } = adapter.limits;
  return adapter.requestDevice({
    requiredFeatures: [...adapter.features] as GPUFeatureName[],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize },
  });
}
