import { wrap } from '../bench/measure/gpu_calls.ts';

let done = 0;
let counting = false;

/** How often something that was waited for has come back from the GPU since the first call, to whatever code. */
export function gpuProgress(): number {
  // nothing is asked of a GPU for this, so nothing takes longer; a process has none before it is given one
  if (!counting && typeof GPUBuffer !== 'undefined') {
    counting = true;
    const count = (): void => void done++;
    const countWhenDone = (waiting: unknown): void => void (waiting as Promise<unknown>).then(count, count);
    wrap(GPUBuffer.prototype, 'mapAsync', countWhenDone);
    wrap(GPUQueue.prototype, 'onSubmittedWorkDone', countWhenDone);
    wrap(GPUDevice.prototype, 'createComputePipelineAsync', countWhenDone);
  }
  return done;
}
