import { DeviceError, Exact8Error } from '../errors.ts';
import { scoped } from './scoped.ts';

const LOSSES = new WeakMap<GPUDevice, { reason?: string }>();

/** Why a device was lost, once it is. Each device is asked once: whoever waits for `lost` stays in memory as long as the device. */
function lossOf(device: GPUDevice): { readonly reason?: string } {
  const known = LOSSES.get(device);
  if (known) return known;
  const loss: { reason?: string } = {};
  LOSSES.set(device, loss);
  void device.lost.then(({ message, reason }) => (loss.reason = message || reason));
  return loss;
}

function refuseLost(device: GPUDevice, what: string, cause?: unknown): void {
  const { reason } = lossOf(device);
  if (reason !== undefined)
    throw new DeviceError(`${what}: the device was lost (${reason}); a new session needs a new one`, { cause });
}

/** Buffers say that a device is lost before it says so itself: after a round trip, a loss is known. */
async function roundTrip(device: GPUDevice): Promise<void> {
  await scoped(device, '', () => undefined).catch(() => undefined);
  await Promise.race([device.lost, Promise.resolve()]);
}

/** @throws DeviceError where the device is lost, however well all that was asked of it went: a lost device says yes */
export async function expectAlive(device: GPUDevice, what: string): Promise<void> {
  await roundTrip(device);
  refuseLost(device, what);
}

/** @throws DeviceError whatever happens to the device while `work` waits for it; other errors of this project as they are */
export async function onDevice<T>(device: GPUDevice, what: string, work: () => Promise<T>): Promise<T> {
  refuseLost(device, what);
  try {
    return await work();
  } catch (error) {
    await roundTrip(device);
    refuseLost(device, what, error);
    throw error instanceof Exact8Error ? error : new DeviceError(`${what}: ${String(error)}`, { cause: error });
  }
}
