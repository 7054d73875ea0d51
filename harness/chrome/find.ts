import { existsSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import { NoBrowserError } from './errors.ts';

/** Where to look; the defaults are this machine. */
export interface Surroundings {
  readonly platform?: NodeJS.Platform;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly exists?: (path: string) => boolean;
}

const LINUX_NAMES = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'google-chrome-beta',
  'microsoft-edge',
];
const LINUX_PLACES = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'];
const MAC_APPLICATIONS = ['Google Chrome', 'Chromium', 'Google Chrome Canary', 'Microsoft Edge'];
const WINDOWS_PROGRAMS = ['Google\\Chrome', 'Chromium', 'Microsoft\\Edge'];

/**
 * The path of an installed Chrome, Chromium or Edge: what EXACT8_CHROME says, else the usual places and PATH.
 * Undefined where there is none.
 *
 * @throws NoBrowserError where EXACT8_CHROME names a file that does not exist.
 */
export function findChrome(surroundings: Surroundings = {}): string | undefined {
  const { platform = process.platform, env = process.env, exists = existsSync } = surroundings;
  const chosen = env['EXACT8_CHROME'];
  if (chosen && !exists(chosen)) throw new NoBrowserError(`EXACT8_CHROME is ${chosen}, which does not exist`);
  return chosen || candidates(platform, env).find(exists);
}

function candidates(platform: NodeJS.Platform, env: Readonly<Record<string, string | undefined>>): string[] {
  if (platform === 'darwin') {
    const folders = ['/Applications', ...(env['HOME'] ? [`${env['HOME']}/Applications`] : [])];
    return MAC_APPLICATIONS.flatMap((name) => folders.map((folder) => `${folder}/${name}.app/Contents/MacOS/${name}`));
  }
  if (platform === 'win32') {
    const folders = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => env[name] ?? []);
    return WINDOWS_PROGRAMS.flatMap((program) =>
      folders.map((folder) =>
        win32.join(folder, program, 'Application', program.endsWith('Edge') ? 'msedge.exe' : 'chrome.exe'),
      ),
    );
  }
  const folders = [...(env['PATH'] ?? '').split(posix.delimiter).filter(Boolean), ...LINUX_PLACES];
  return LINUX_NAMES.flatMap((name) => folders.map((folder) => posix.join(folder, name)));
}
