import { NoBrowserError } from '../chrome/errors.ts';
import { findFirefox } from '../chrome/find.ts';
import { installOnDebian } from '../chrome/install.ts';

const ADVICE =
  'no Firefox was found. Install Firefox 141 or newer (Debian: sudo apt-get install firefox-esr mesa-vulkan-drivers), ' +
  'or say where one is: EXACT8_FIREFOX=/path/to/firefox';

/** @throws NoBrowserError that says what to do, where there is no Firefox */
export function requireFirefox(): string {
  const path = findFirefox();
  if (!path) throw new NoBrowserError(ADVICE);
  return path;
}

/** As `requireFirefox`, but where there is none and this is root on a Debian, Debian's is installed, with a driver. */
export async function installFirefox(): Promise<string> {
  if (!findFirefox()) await installOnDebian('No Firefox was found', ['firefox-esr', 'mesa-vulkan-drivers'], ADVICE);
  return requireFirefox();
}
