import { DeviceError } from '../../src/errors.ts';
import { infoOf, requestDevice, webgpu } from '../../src/gpu/device.ts';

const NO_WEBGPU =
  'This browser has no WebGPU. Chrome and Edge have it since version 113, Safari since 26, Firefox since 141 on Windows ' +
  'and 145 on macOS.';
const NOT_SECURE =
  'Browsers offer WebGPU only to pages from https:// or from localhost. Open this page from one of these addresses.';
const NO_ADAPTER =
  'The browser has WebGPU, but no GPU for it. See chrome://gpu for the reason; on Linux, start Chrome with ' +
  '--enable-unsafe-webgpu --enable-features=Vulkan, or with --use-webgpu-adapter=swiftshader to run without a GPU.';

/**
 * The page's device.
 *
 * @throws DeviceError that says what a person can do about it
 */
export async function openDevice(): Promise<GPUDevice> {
  if (!webgpu()) throw new DeviceError(isSecureContext ? NO_WEBGPU : NOT_SECURE);
  return requestDevice().catch((error: unknown) => {
    throw error instanceof DeviceError ? new DeviceError(NO_ADAPTER, { cause: error }) : error;
  });
}

/** The adapter, for people. */
export function describeDevice(device: GPUDevice): string {
  const { vendor, architecture, description, isFallbackAdapter } = infoOf(device);
  const name = [vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed';
  return isFallbackAdapter ? `${name} (software)` : name;
}
