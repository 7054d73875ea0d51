import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NoBrowserError } from '../chrome/errors.ts';
import { findChrome, namesIn } from '../chrome/find.ts';
import type { AdapterChoice } from '../chrome/launch.ts';

/** Software Vulkan drivers, which need no GPU. */
export type SoftwareDriver = 'swiftshader' | 'llvmpipe';

/** Where to look; the defaults are this machine. */
export interface DriverSurroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly chrome?: string | undefined;
  readonly exists?: (path: string) => boolean;
  readonly list?: (folder: string) => readonly string[];
}

/** Debian's and Fedora's Chromium and Google's Chrome keep SwiftShader beside the program, not beside its launcher. */
const CHROME_FOLDERS = [
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/usr/lib64/chromium-browser',
  '/opt/google/chrome',
];
/** The Vulkan loader's own search path. */
const MANIFEST_FOLDERS = ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'];

const MANIFESTS: Readonly<Record<SoftwareDriver, RegExp>> = {
  swiftshader: /^vk_swiftshader_icd\.json$/,
  llvmpipe: /^lvp_icd.*\.json$/,
};

/** What to install where a driver is missing. */
export const DRIVER_ADVICE: Readonly<Record<SoftwareDriver, string>> = {
  swiftshader: 'SwiftShader comes with Chrome and Chromium (Debian, Ubuntu: apt-get install chromium)',
  llvmpipe: 'llvmpipe is one of the Mesa drivers (Debian, Ubuntu: apt-get install mesa-vulkan-drivers)',
};

/** A driver's manifest, for VK_DRIVER_FILES; undefined where it is not installed. */
export function findDriver(driver: SoftwareDriver, surroundings: DriverSurroundings = {}): string | undefined {
  const { env = process.env, exists = existsSync, list = namesIn } = surroundings;
  const chrome = 'chrome' in surroundings ? surroundings.chrome : findChrome();
  const named = env['VK_DRIVER_FILES']?.split(':') ?? [];
  const folders = [...(chrome ? [dirname(chrome)] : []), ...CHROME_FOLDERS, ...MANIFEST_FOLDERS];
  const installed = folders.flatMap((folder) => list(folder).map((file) => join(folder, file)));
  return [...named, ...installed].find((path) => MANIFESTS[driver].test(path.split('/').at(-1)!) && exists(path));
}

/**
 * The drivers to try, undefined for the Vulkan loader's own choice, which is a GPU where there is one. Where that gives
 * nothing, SwiftShader.
 *
 * @throws NoBrowserError that says what to install
 */
export function driversFor(choice: AdapterChoice): readonly (string | undefined)[] {
  const software = choice === 'auto' ? 'swiftshader' : choice;
  const driver = findDriver(software);
  if (choice === 'auto') return [undefined, ...(driver === undefined ? [] : [driver])];
  if (driver === undefined) throw new NoBrowserError(`${software} is not installed. ${DRIVER_ADVICE[software]}`);
  return [driver];
}
