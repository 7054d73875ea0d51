import { ensureBuilt } from '../scripts/fresh.js';
import { preparePython } from './python.ts';

/** Before any test: dist/ is what the sources say, and Python has its packages, so that no two tests make them at once. */
export default async function build(): Promise<void> {
  const [isBuilt] = await Promise.all([ensureBuilt(), preparePython()]);
  if (!isBuilt) throw new Error('the sources do not build');
}
