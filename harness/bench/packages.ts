import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { PACKAGES_OF } from './runtimes.ts';

/**
 * The folders of the npm packages that the peers need, by name.
 *
 * @throws InvalidInputError where one is not installed
 */
export function peerPackages(peers: readonly string[]): Record<string, string> {
  const folders: Record<string, string> = {};
  for (const peer of peers)
    for (const name of PACKAGES_OF[peer]!) {
      const folder = packageFolder(name);
      if (folder === undefined)
        throw new InvalidInputError(`${peer} needs the package ${name}, which is not installed: npm install ${name}`);
      folders[name] = folder;
    }
  return folders;
}

/** Where Node would look for it; not every package lets its package.json be resolved. */
function packageFolder(name: string): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  const folders = resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')));
}
