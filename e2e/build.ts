import { ensureBuilt } from '../scripts/fresh.js';

/** Before any test: dist/ is what the sources say, so that no two tests build it at once. */
export default async function build(): Promise<void> {
  if (!(await ensureBuilt())) throw new Error('the sources do not build');
}
