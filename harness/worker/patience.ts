import { DeviceError } from '../../src/errors.ts';
import type { WorkerHost } from './protocol.ts';

/** Seconds without progress: longer than any inference takes on a busy machine without a GPU. */
export const PATIENCE_S = 300;

/** How often it is asked within that time: seldom enough to disturb no measurement. */
const LOOKS = 10;
/** Timers have no more. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Calls of a worker that are given up where nothing comes back for `seconds`: neither the answer, nor anything that the
 * worker waits for of its GPU. What hangs ends with its host, which the caller closes.
 *
 * @throws DeviceError
 */
export function withPatience(host: WorkerHost, seconds: number): WorkerHost['call'] {
  return async (method, args) => {
    let timer: NodeJS.Timeout | undefined;
    const givingUp = new Promise<never>((_, giveUp) => {
      let [seen, looks, asking] = [-1, 0, false];
      const look = async (): Promise<void> => {
        // looks are counted, not seconds: a machine that slept has not waited
        if (++looks > LOOKS) giveUp(new DeviceError(message(seconds)));
        if (asking) return;
        asking = true;
        const reply = await host.call('progress', []).catch(() => undefined);
        asking = false;
        const now = reply && 'value' in reply ? (reply.value as number) : seen;
        if (now !== seen) [seen, looks] = [now, 0];
      };
      timer = setInterval(() => void look(), Math.min((1000 * seconds) / LOOKS, MOST_MS));
    });
    return Promise.race([host.call(method, args), givingUp]).finally(() => clearInterval(timer));
  };
}

const message = (seconds: number): string =>
  `nothing came back from the GPU for ${seconds} s: a kernel does not end, or the driver hangs. It was given up; ` +
  '--timeout SECONDS waits longer';
