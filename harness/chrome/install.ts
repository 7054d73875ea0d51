import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { NoBrowserError } from './errors.ts';
import { findChrome } from './find.ts';

const ADVICE =
  'no Chrome was found. Install Google Chrome (https://www.google.com/chrome) or Chromium ' +
  '(Debian, Ubuntu: sudo apt-get install chromium), or say where one is: EXACT8_CHROME=/path/to/chrome. ' +
  'Without a browser: npm install webgpu, and --webgpu node';

/** @throws NoBrowserError that says what to do, where there is no browser. */
export function requireChrome(): string {
  const path = findChrome();
  if (!path) throw new NoBrowserError(ADVICE);
  return path;
}

/**
 * As `requireChrome`, but where there is none and this is root on a Debian, Debian's Chromium is installed first;
 * apt-get's messages go to standard error.
 */
export async function installChrome(): Promise<string> {
  if (!findChrome()) await installOnDebian('No Chrome was found', ['chromium'], ADVICE);
  return requireChrome();
}

/** Elsewhere than on a Debian, as root, nothing happens. @throws NoBrowserError where it fails */
export async function installOnDebian(why: string, packages: readonly string[], advice: string): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  process.stderr.write(`${why}: installing ${packages.join(', ')} with apt-get.\n`);
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]])
    await aptGet(args, advice);
}

async function aptGet(args: readonly string[], advice: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Its standard output is sent to standard error: a command's own standard output may be one JSON object.
  const child = spawn('apt-get', ['-q', ...args], { stdio: ['ignore', 2, 2], env });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new NoBrowserError(`apt-get ${args.join(' ')} failed (exit code ${code}); ${advice}`);
}
