import { DeviceError } from '../errors.ts';

/**
 * Runs `work`, which waits for nothing, in error scopes: what WebGPU would only log is thrown, with `what` was being
 * done. Scopes are opened and closed at once, so what is done at the same time cannot get into each other's.
 */
export async function scoped<T>(device: GPUDevice, what: string, work: () => T): Promise<T> {
  const filters: GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];
  for (const filter of filters) device.pushErrorScope(filter);
  let result: { value: T } | { thrown: unknown };
  try {
    result = { value: work() };
  } catch (thrown) {
    result = { thrown };
  }
  const errors = await Promise.all(filters.map(() => device.popErrorScope().catch(() => null)));
  if ('thrown' in result) {
    if (result.thrown instanceof DeviceError) throw result.thrown;
    throw new DeviceError(`${what}: ${String(result.thrown)}`, { cause: result.thrown });
  }
  const error = errors.find((e) => e !== null);
  if (error) throw new DeviceError(`${what}: ${error.message}`);
  return result.value;
}
