// Is dist/ what the sources say? By content, not by time: a checkout of another commit may make files older.
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** All that a build reads. */
const SOURCES = [
  'src',
  'shaders',
  'harness',
  'models',
  'index.html',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'vite.config.ts',
  'scripts/build.js',
];
export const STAMP = 'sources.sha256';

/** SHA-256 of all sources. */
export function sourcesHash() {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap(filesUnder)) hash.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}

function filesUnder(path) {
  if (statSync(join(ROOT, path)).isFile()) return path.endsWith('.test.ts') ? [] : [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}

/**
 * Builds dist/ where the sources have changed since, and says so on standard error.
 *
 * @returns {Promise<boolean>} whether it is what the sources say now
 */
export async function ensureBuilt() {
  if (builtFrom() === sourcesHash()) return true;
  process.stderr.write('exact8: the sources have changed: building them\n');
  // its messages are not the command's result
  const child = spawn(process.execPath, [join(ROOT, 'scripts/build.js')], { stdio: ['ignore', 2, 2] });
  return new Promise((resolve) => child.on('error', () => resolve(false)).on('exit', (code) => resolve(code === 0)));
}

function builtFrom() {
  try {
    return readFileSync(join(ROOT, 'dist', STAMP), 'utf8');
  } catch {
    return undefined;
  }
}
