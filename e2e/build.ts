import { ensureBuilt } from '../scripts/fresh.js';
import { prepareEmulated } from './emulated.ts';
import { prepareFirefox } from './firefox.ts';
import { preparePython } from './python.ts';

/** Before any test: dist/ is what the sources say, Python has its packages, ARM is emulated and Firefox is there, so that no two tests make them at once. */
export default async function build(): Promise<void> {
  const [isBuilt] = await Promise.all([ensureBuilt(), preparePython(), prepareEmulated().then(prepareFirefox)]);
  if (!isBuilt) throw new Error('the sources do not build');
}
