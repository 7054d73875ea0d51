/** The page that `exact8 bench` measures in: see BenchMethods. */
import { benchMethods } from '../measure/methods.ts';
import { watchGpu } from '../measure/gpu_calls.ts';

watchGpu();

globalThis.exact8Bench = async (method, args) => {
  try {
    return { value: await (benchMethods[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};
