import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Processors of 64-bit ARM that are emulated: with the dot product instruction, and without it. */
export type Processor = 'neoverse-n1' | 'cortex-a72';

/** Where CI puts it. */
const FOLDER = 'node_modules/.cache/onnxruntime-arm64';

/**
 * A Python with onnxruntime on emulated ARM processors, whose first argument is the processor: one that is there, or that
 * CI makes where it is root (tests/emulated/setup.sh, which installs packages of the system).
 */
export function findEmulatedPython(): string | undefined {
  const python = join(FOLDER, 'python');
  if (existsSync(python)) return python;
  if (!process.env['CI'] || process.getuid?.() !== 0) return undefined;
  const { status } = spawnSync('tests/emulated/setup.sh', [FOLDER], { stdio: ['ignore', 'ignore', 'inherit'] });
  return status === 0 ? python : undefined;
}
