import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A file of a package: what the build has put beside the command, else that of the installed package. */
export function packageFile(path: string): string {
  const beside = fileURLToPath(new URL(`./files/${path}`, import.meta.url));
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve(path);
}
