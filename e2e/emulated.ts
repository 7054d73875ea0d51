import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Processors of 64-bit ARM that are emulated: with the dot product instruction, and without it. */
export type Processor = 'neoverse-n1' | 'cortex-a72';

/** Where CI puts it. */
const FOLDER = 'node_modules/.cache/onnxruntime-arm64';

/**
 * A Python on an emulated processor, its first argument, which has a package; undefined where nobody has made it
 * (tests/emulated/setup.sh).
 */
export function emulatedPython(has: 'onnxruntime' | 'ai_edge_litert' = 'onnxruntime'): string | undefined {
  const python = join(FOLDER, 'python');
  return existsSync(python) && existsSync(join(FOLDER, 'site', has)) ? python : undefined;
}

/** Before any test: CI makes it where it may, as root of a Debian. */
export async function prepareEmulated(): Promise<void> {
  const isMade = emulatedPython() && emulatedPython('ai_edge_litert');
  if (isMade || !process.env['CI'] || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return;
  await new Promise((resolve) => execFile('tests/emulated/setup.sh', [FOLDER], resolve));
}
