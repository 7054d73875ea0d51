// Plain JavaScript: the scripts of this project use it before anything is built.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** How long a program has to end by itself after a signal. */
const GRACE_MS = 3000;
/** One Ctrl+C may come twice, from the terminal and from npm, which passes it on; what comes later is another one. */
const SAME_MS = 300;
/** How often it is looked whether whoever started this process is still there. */
const ORPHAN_MS = 500;
const POSIX = process.platform !== 'win32';

/**
 * Runs a program in a process group and with a temporary folder of its own: whatever ends it, a signal to this process
 * included, none of its processes and files is left.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{
 *   stdio?: import('node:child_process').StdioOptions,
 *   env?: Record<string, string>,
 *   as?: (signal: NodeJS.Signals) => NodeJS.Signals,
 *   graceMs?: number,
 * }} [options] `as`: what a signal is passed on as; a program with an IPC channel may send `{ patient: true }`, and has
 *   all the time that it needs until a second signal
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, asked: NodeJS.Signals | undefined }>}
 *   `asked`: the signal that this process was sent, for `endBy`
 */
export async function supervise(
  command,
  args,
  { stdio = 'inherit', env = {}, as = (signal) => signal, graceMs = GRACE_MS } = {},
) {
  const folder = temporaryFolder();
  const places = folder ? { TMPDIR: folder, TEMP: folder, TMP: folder, EXACT8_TEMPORARY: folder } : {};
  // a terminal's Ctrl+C reaches this process alone, which passes it on once
  const child = spawn(command, args, {
    stdio,
    // a folder that somebody else named is not this program's to remove
    env: { ...process.env, EXACT8_TEMPORARY: '', ...places, ...env },
    detached: POSIX,
    windowsHide: true,
  });
  /** @param {NodeJS.Signals} signal */
  const kill = (signal) => {
    try {
      if (POSIX) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // nobody is left
    }
  };

  let patient = false;
  child.on('message', (message) => {
    patient = /** @type {{ patient?: boolean }} */ (message).patient ?? false;
  });
  /** @type {NodeJS.Signals | undefined} */
  let asked;
  let askedAt = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => {
    const now = Date.now();
    if (signal === asked && now - askedAt < SAME_MS) return;
    const again = asked !== undefined;
    asked ??= signal;
    askedAt = now;
    if (again) return kill('SIGKILL');
    kill(as(signal));
    if (!patient || signal !== 'SIGINT') timer = setTimeout(() => kill('SIGKILL'), graceMs);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  // npm passes a signal to its shell, which ends without a word to this process
  const parent = process.ppid;
  const orphaned = setInterval(() => {
    if (process.env['npm_lifecycle_event'] === undefined || process.ppid === parent) return;
    clearInterval(orphaned);
    pass('SIGTERM');
  }, ORPHAN_MS);
  try {
    const ended = await new Promise((resolve, reject) => {
      child.on('error', reject).on('exit', (code, signal) => resolve({ code, signal }));
    });
    return { ...ended, asked };
  } finally {
    clearTimeout(timer);
    clearInterval(orphaned);
    kill('SIGKILL');
    // browsers end when their pipe does, which takes them a moment
    if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    for (const signal of SIGNALS) process.removeListener(signal, pass);
  }
}

/**
 * Ends this process as a signal does that nobody listens for: the shell sees 128 and its number.
 *
 * @param {NodeJS.Signals} signal
 */
export function endBy(signal) {
  process.kill(process.pid, signal);
  // where a signal cannot be sent to oneself
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
}

/** Nobody else can read it. Undefined where none can be made: not every program needs one. */
function temporaryFolder() {
  // sockets below it have paths of at most 104 bytes
  const parent = POSIX && tmpdir().length > 40 ? '/tmp' : tmpdir();
  try {
    return mkdtempSync(join(parent, 'exact8-'));
  } catch {
    return undefined;
  }
}
