import { existsSync, readdirSync } from 'node:fs';
import { posix, win32 } from 'node:path';
import { NoBrowserError } from './errors.ts';

/** Where to look; the defaults are this machine. */
export interface Surroundings {
  readonly platform?: NodeJS.Platform;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly exists?: (path: string) => boolean;
  /** The names in a folder; none where there is no such folder. */
  readonly list?: (folder: string) => readonly string[];
}

/** The names in a folder; none where there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
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

/** What a browser's program is called on each system. */
interface Names {
  readonly linux: readonly string[];
  /** Below a folder of applications. */
  readonly mac: readonly string[];
  /** Below a folder of programs. */
  readonly windows: readonly string[];
}

const CHROME: Names = {
  linux: LINUX_NAMES,
  mac: MAC_APPLICATIONS.map((name) => `${name}.app/Contents/MacOS/${name}`),
  windows: [
    'Google\\Chrome\\Application\\chrome.exe',
    'Chromium\\Application\\chrome.exe',
    'Microsoft\\Edge\\Application\\msedge.exe',
  ],
};
const FIREFOX: Names = {
  linux: ['firefox', 'firefox-esr', 'firefox-nightly'],
  mac: ['Firefox', 'Firefox Nightly'].map((name) => `${name}.app/Contents/MacOS/firefox`),
  windows: ['Mozilla Firefox\\firefox.exe', 'Firefox Nightly\\firefox.exe'],
};

/** Where `playwright install` puts a Chromium of a revision. */
const PLAYWRIGHT_FILES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['chrome-linux/chrome', 'chrome-linux64/chrome'],
  darwin: ['chrome-mac', 'chrome-mac-arm64', 'chrome-mac-x64'].flatMap((folder) =>
    ['Chromium', 'Google Chrome for Testing'].map((name) => `${folder}/${name}.app/Contents/MacOS/${name}`),
  ),
  win32: ['chrome-win\\chrome.exe', 'chrome-win64\\chrome.exe'],
};

/**
 * The path of an installed Chrome, Chromium or Edge: what EXACT8_CHROME says, else the usual places and PATH, else what
 * Playwright has installed, the newest first. Undefined where there is none.
 *
 * @throws NoBrowserError where EXACT8_CHROME names a file that does not exist.
 */
export function findChrome(surroundings: Surroundings = {}): string | undefined {
  const { platform = process.platform, env = process.env, list = namesIn } = surroundings;
  return find('EXACT8_CHROME', CHROME, surroundings, ofPlaywright(platform, env, list));
}

/** The same for Firefox and EXACT8_FIREFOX. What Playwright installs is a Firefox of its own, without WebDriver BiDi. */
export const findFirefox = (surroundings: Surroundings = {}): string | undefined =>
  find('EXACT8_FIREFOX', FIREFOX, surroundings, []);

function find(variable: string, names: Names, surroundings: Surroundings, more: readonly string[]): string | undefined {
  const { platform = process.platform, env = process.env, exists = existsSync } = surroundings;
  const chosen = env[variable];
  if (chosen && !exists(chosen)) throw new NoBrowserError(`${variable} is ${chosen}, which does not exist`);
  return chosen || [...candidates(platform, env, names), ...more].find(exists);
}

function ofPlaywright(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  list: (folder: string) => readonly string[],
): string[] {
  const { join } = platform === 'win32' ? win32 : posix;
  const [home, within] =
    platform === 'win32'
      ? [env['LOCALAPPDATA'], ['ms-playwright']]
      : [env['HOME'], platform === 'darwin' ? ['Library', 'Caches', 'ms-playwright'] : ['.cache', 'ms-playwright']];
  const cache = platform === 'linux' ? env['XDG_CACHE_HOME'] : undefined;
  const usual = cache ? join(cache, 'ms-playwright') : home && join(home, ...within);
  const chosen = env['PLAYWRIGHT_BROWSERS_PATH'];
  // 0: inside Playwright's own package
  const folder = chosen && chosen !== '0' ? chosen : usual;
  if (!folder) return [];
  const revision = (name: string): number => Number(/^chromium-(\d+)$/.exec(name)?.[1] ?? -1);
  const revisions = list(folder).filter((name) => revision(name) >= 0);
  return revisions
    .toSorted((a, b) => revision(b) - revision(a))
    .flatMap((name) => (PLAYWRIGHT_FILES[platform] ?? []).map((file) => join(folder, name, file)));
}

function candidates(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  names: Names,
): string[] {
  if (platform === 'darwin') {
    const folders = ['/Applications', ...(env['HOME'] ? [`${env['HOME']}/Applications`] : [])];
    return names.mac.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  }
  if (platform === 'win32') {
    const folders = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => env[name] ?? []);
    return names.windows.flatMap((program) => folders.map((folder) => win32.join(folder, program)));
  }
  const folders = [...(env['PATH'] ?? '').split(posix.delimiter).filter(Boolean), ...LINUX_PLACES];
  return names.linux.flatMap((name) => folders.map((folder) => posix.join(folder, name)));
}
