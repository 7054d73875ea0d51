import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { constants } from 'node:os';

/** Has the user asked to stop (SIGINT)? Seen only when the event loop turns; what was done so far is kept. */
interface Interrupt {
  readonly asked: boolean;
  /** Signals end the process again. */
  done(): void;
}

let stop: (() => void) | undefined;

/** What was done so far is printed; then the signal ends the command as every other. */
export function stopOnInterrupt(): Interrupt {
  let asked = false;
  stop = () => {
    asked = true;
  };
  process.send?.({ patient: true });
  return {
    get asked() {
      return asked;
    },
    done() {
      stop = undefined;
      process.send?.({ patient: false });
    },
  };
}

/**
 * Signals end the process in an orderly way, so that browsers which were started end, too; and so does the end of the
 * process that supervises this one.
 */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (signal === 'SIGINT' && stop) stop();
      else process.exit(128 + constants.signals[signal]);
    });
  process.once('disconnect', () => {
    process.on('exit', removeTraces);
    process.exit();
  });
  // the channel alone is nothing to wait for
  process.channel?.unref();
}

/** What the supervisor would have done. */
function removeTraces(): void {
  const folder = process.env['EXACT8_TEMPORARY'];
  if (folder && basename(folder).startsWith('exact8-'))
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  // the group is this process's own: see supervise.js
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL');
}
