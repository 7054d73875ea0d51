import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidInputError } from '../../src/errors.ts';
import { startTfjsTflite, TFJS_TFLITE, type TfjsTflite } from '../oracles/tfjs_tflite.ts';
import { findPackage, importersOf, installInto, onDemand } from './packages.ts';

const { package: name, version } = TFJS_TFLITE;
const FOLDER = onDemand('tfjs');
/** It wants a tfjs-core of its own, of which nothing is used. */
const ALONE = '--legacy-peer-deps';

function findTfjsTflite(importers: readonly string[]) {
  const found = findPackage(name, importers);
  return found?.version === version ? found : undefined;
}

/** Installs it where it is not. */
export async function installTfjsTflite(): Promise<void> {
  if (!findTfjsTflite(importersOf(FOLDER))) await installInto(FOLDER, [`${name}@${version}`], ALONE);
}

/**
 * tfjs-tflite, from its package.
 *
 * @param importers files that would import it; default: of this machine
 * @throws InvalidInputError that says what to install
 */
export async function openTfjsTflite(importers: readonly string[] = importersOf(FOLDER)): Promise<TfjsTflite> {
  const found = findTfjsTflite(importers);
  if (!found)
    throw new InvalidInputError(
      `--against tflite needs the package ${name} ${version} (8 MB to download), which is not installed: ` +
        `npm install --prefix node_modules/.cache/tfjs ${ALONE} ${name}@${version}`,
    );
  const file = (ending: string): Buffer =>
    readFileSync(join(dirname(found.file), `wasm/tflite_web_api_cc_simd.${ending}`));
  return startTfjsTflite(file('js').toString(), file('wasm'));
}
