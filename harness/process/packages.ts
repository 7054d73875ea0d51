import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** This project, or the installed package. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A folder of packages that only some need, so that nobody else has to download them. */
export const onDemand = (purpose: string): string => join(process.cwd(), 'node_modules/.cache', purpose);

/** Files that would import a package: the user's, exact8's, the tests'. */
export const importersOf = (folder: string): string[] =>
  [process.cwd(), ROOT, folder].map((place) => join(place, 'package.json'));

/** Where a package is, and its version; undefined where it is installed in none of these places. */
export function findPackage(
  name: string,
  importers: readonly string[],
): { readonly file: string; readonly version: string } | undefined {
  for (const importer of importers)
    try {
      const file = createRequire(importer).resolve(`${name}/package.json`);
      return { file, version: (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version };
    } catch {
      // not installed there
    }
  return undefined;
}

/** Installs packages with npm, out of the way of this project's own. Rejects with what npm says where it fails. */
export async function installInto(folder: string, packages: readonly string[], ...flags: string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const manifest = join(folder, 'package.json');
  // npm removes what it does not name
  if (!existsSync(manifest)) await writeFile(manifest, '{ "private": true }\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await promisify(execFile)(npm, [
    'install',
    '--no-audit',
    '--no-fund',
    ...flags,
    '--prefix',
    folder,
    ...packages,
  ]).catch(({ stderr, message }: { stderr?: string; message: string }) => {
    throw new Error(`npm install ${packages.join(' ')} fails: ${stderr || message}`);
  });
}
